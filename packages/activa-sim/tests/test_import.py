import json
import subprocess
import sys

LOADED = "import json, sys, {}; print(json.dumps(sorted(sys.modules)))"


def loaded_by(module: str) -> set[str]:
    command = [sys.executable, "-c", LOADED.format(module)]
    result = subprocess.run(command, capture_output=True, text=True, check=True)
    return set(json.loads(result.stdout))


def test_importing_brings_numpy_and_nothing_else() -> None:
    new = {name.partition(".")[0] for name in loaded_by("activa_sim") - loaded_by("numpy")}
    assert new - sys.stdlib_module_names == {"activa_sim"}
