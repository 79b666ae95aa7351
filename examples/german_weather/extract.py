"""Write altitude_temperature.csv from the wheel of cdt 0.6.0, which carries the Tuebingen pairs.

pip download --no-deps cdt==0.6.0
python extract.py cdt-0.6.0-py3-none-any.whl
"""

import csv
import io
import sys
import zipfile
from pathlib import Path

PAIRS = "cdt/data/resources/Tuebingen_pairs.csv"
TABLE = Path(__file__).with_name("altitude_temperature.csv")


def main(wheel: str) -> None:
    csv.field_size_limit(sys.maxsize)  # a cell holds a whole column of numbers
    with zipfile.ZipFile(wheel) as archive:
        lines = io.TextIOWrapper(archive.open(PAIRS), encoding="utf-8")
        pair = next(row for row in csv.DictReader(lines) if row["SampleID"] == "pair1")
    stations = list(zip(pair["A"].split(), pair["B"].split(), strict=True))
    with TABLE.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["altitude", "temperature"])
        writer.writerows(stations)
    print(f"{len(stations)} stations -> {TABLE.name}")


if __name__ == "__main__":
    main(sys.argv[1])
