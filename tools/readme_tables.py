"""Write the README's tables of measurements from benchmarks/results/*.json.

`python tools/readme_tables.py` rewrites the parts between markers; `--check` only says whether they
are what the files give. No number in them is typed by hand.
"""

import argparse
import json
import sys
from pathlib import Path

import accuracy_table
import speed_table

ROOT = Path(__file__).parents[1]
BLOCKS = {"accuracy": accuracy_table.block, "speed": speed_table.block}


def main() -> int:
    """Rewrite or check the README; 1 if the check fails."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true")
    check = parser.parse_args().check
    readme = ROOT / "README.md"
    text = fresh = readme.read_text(encoding="utf-8")
    files = sorted(ROOT.glob("benchmarks/results/*.json"))
    results = [json.loads(file.read_text(encoding="utf-8")) for file in files]
    for name, block in BLOCKS.items():
        begin, end = f"<!-- {name}: begin -->\n", f"<!-- {name}: end -->"
        before, rest = fresh.split(begin)
        _, after = rest.split(end)
        fresh = f"{before}{begin}{block(results)}{end}{after}"
    if check:
        agrees = fresh == text
        verdict = "agree" if agrees else "differ; run python tools/readme_tables.py"
        print(f"README.md and benchmarks/results {verdict}")
        return int(not agrees)
    readme.write_text(fresh, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
