"""Write the READMEs' tables of measurements from benchmarks/results/*.json.

`python tools/readme_tables.py` rewrites the parts between markers; `--check` only says whether they
are what the files give. No number in them is typed by hand.
"""

import argparse
import json
import sys
from pathlib import Path

import accuracy_table
import distance_table
import paper_table
import simulator_table
import speed_table

ROOT = Path(__file__).parents[1]
BLOCKS = {
    "README.md": {
        "accuracy": accuracy_table.block,
        "paper": paper_table.block,
        "speed": speed_table.block,
    },
    "packages/activa-eval/README.md": {"times": distance_table.block},
    "packages/activa-sim/README.md": {"rates": simulator_table.block},
}


def main() -> int:
    """Rewrite or check the READMEs; 1 if the check fails."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true")
    check = parser.parse_args().check
    files = sorted(ROOT.glob("benchmarks/results/*.json"))
    results = [json.loads(file.read_text(encoding="utf-8")) for file in files]
    differing = 0
    for name, blocks in BLOCKS.items():
        readme = ROOT / name
        text = readme.read_text(encoding="utf-8")
        fresh = filled(text, {part: block(results) for part, block in blocks.items()})
        if check:
            differing += fresh != text
            verdict = "agree" if fresh == text else "differ; run python tools/readme_tables.py"
            print(f"{name} and benchmarks/results {verdict}")
        else:
            readme.write_text(fresh, encoding="utf-8")
    return int(differing > 0)


def filled(text: str, parts: dict[str, str]) -> str:
    """Put each part between its markers."""
    for name, part in parts.items():
        begin, end = f"<!-- {name}: begin -->\n", f"<!-- {name}: end -->"
        before, rest = text.split(begin)
        _, after = rest.split(end)
        text = f"{before}{begin}{part}{end}{after}"
    return text


if __name__ == "__main__":
    sys.exit(main())
