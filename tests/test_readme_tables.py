"""The tables of the READMEs say what was measured, and lint notices when they do not."""

import json
import sys
from pathlib import Path

import distance_table
import paper_table
import pytest
import readme_tables
import simulator_table
import speed_table


def test_a_number_in_the_readme_that_was_not_measured_is_noticed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    results = tmp_path / "benchmarks" / "results"
    results.mkdir(parents=True)
    (results / "gauss-2.json").write_text(json.dumps(EVALUATION))
    for name, blocks in readme_tables.BLOCKS.items():
        file = tmp_path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        markers = "".join(f"<!-- {part}: begin -->\n<!-- {part}: end -->\n" for part in blocks)
        file.write_text(f"before\n{markers}after\n")
    readme, of_sim = (tmp_path / f"{at}README.md" for at in ("", "packages/activa-sim/"))
    monkeypatch.setattr(readme_tables, "ROOT", tmp_path)

    def run(*arguments: str) -> int:
        monkeypatch.setattr(sys, "argv", ["readme_tables.py", *arguments])
        return int(readme_tables.main())

    assert run("--check") == 1
    assert run() == 0
    assert run("--check") == 0
    text = readme.read_text()
    assert text.startswith("before\n")
    assert text.endswith("after\n")
    assert "| **activa** | 0.241 [0.235, 0.247] | - | - |" in text
    assert "| the paper's ACTIVA, as printed | 0.29 | - | - |" in text
    assert "not yet measured on an A100" in text
    readme.write_text(text.replace("0.241", "0.201"))
    assert run("--check") == 1
    assert run() == 0
    assert "Not yet measured" in of_sim.read_text()
    of_sim.write_text(of_sim.read_text().replace("Not yet", "Often"))
    assert run("--check") == 1


def test_the_papers_rows_show_ours_beside_the_best_reference_and_the_bounds() -> None:
    nothing = dict.fromkeys(["ours", "best reference", "Bayes", "oracle", "paper"])
    found = {
        "ours": {"mean": 0.25, "low": 0.1, "high": 0.5},
        "best reference": {"method": "eqvar", "mean": 0.3},
        "Bayes": 0.2,
        "oracle": 0.14,
        "paper": 0.29,
    }
    only = {**nothing, "best reference": {"method": "hedge", "mean": 12.0}}
    rows = [
        {"row": name, "models": 9, "standing": {"mmd": mmd, "energy_distance": nothing, "nll": nll}}
        for name, mmd, nll in (("gauss-2", found, nothing), ("sergio-iid", nothing, only))
    ]
    text = paper_table.block([{"titles": TITLES, "rows": rows}])
    assert "| gauss-2 | 9 | 0.250 [0.100, 0.500] | 0.300 (eqvar) | 0.200 | 0.140 | 0.29 |" in text
    assert "| sergio-iid | 9 | - | 12.000 (hedge) | - | - | - |" in text
    assert "| NLL | models |" in text
    assert "Not yet measured" in paper_table.block([EVALUATION])


def test_the_newest_measurement_of_a_device_is_shown_beside_what_is_computed() -> None:
    block = speed_table.block
    older = {**BENCHMARK, "date": "2030-01-01", "commit": "older"}
    text = block([BENCHMARK, older, EVALUATION])
    assert "older" not in text
    assert "| gauss-2 step | bfloat16 | 3.2 | 7.9 | 41% |" in text
    assert "gauss-2 block samples forward |" not in text
    assert "activa: 0.50 GB; PyTorch: 4.00 GB" in text
    assert "not timed" in text
    assert "| gauss-2 | 18.0 G | 85 MB | 40 | 700 | 55 us memory, 57 us bfloat16 |" in text
    assert "not yet measured on an A100" in text
    assert "A CPU: not yet measured" not in text


def test_rates_are_shown_with_who_is_absent_and_what_a_stream_costs() -> None:
    text = simulator_table.block([BENCHMARK, RATES, {**RATES, "quick": True}, STREAM])
    assert "| gauss-8 | **activa** | 251,234 [240,000, 260,000] | 1 |" in text
    assert "| gauss-8 | sempler 0.2.14 | 535 [500, 550] | 0.0021 |" in text
    assert "gauss-8 by 2 threads: 1.91 times as fast by the clock." in text
    assert "480,000" not in text
    assert "avici could not be measured: not installed." in text
    assert "| gauss-2 | 128 | 50.0 ms | 0.25 ms | 0.50% |" in text
    assert "1,000 models of gauss-2 had taken 90 MiB after a tenth of them and 91 MiB" in text


def test_distances_are_shown_with_the_others_and_two_threads() -> None:
    text = distance_table.block([RATES, TIMES, {**TIMES, "date": "2029-01-01", "commit": "older"}])
    assert "| mmd, 1000 of 40 x 2 | 5.4 ms | PyTorch 19, NumPy 42 | 1.82 | 1.89 |" in text
    assert "older" not in text
    assert "hyppo could not be measured: not installed." in text


def test_a_measured_a100_is_no_longer_called_unmeasured_and_a_trial_run_is_not_shown() -> None:
    block = speed_table.block
    gpu = {**BENCHMARK, "device": "NVIDIA A100-SXM4-40GB", "accelerator": "NVIDIA A100-SXM4-40GB"}
    text = block([gpu, {**BENCHMARK, "quick": True}])
    assert "**NVIDIA A100-SXM4-40GB** (torch" in text
    assert "on an A100;" not in text
    assert "A CPU: not yet measured" in text


TITLES = {
    "methods": {"activa": "**activa**"},
    "metrics": {"mmd": "MMD", "energy_distance": "ED", "nll": "NLL"},
}
EVALUATION = {
    "model": "gauss-2",
    "data": "gauss-2",
    "models": 1000,
    "n_samples": [40, 40],
    "draws": 50,
    "seed": 0,
    "machine": {"processor": "a processor"},
    "printed": {"ACTIVA": [0.29, 1.9, 2.0]},
    "titles": TITLES,
    "results": [
        {
            "method": "activa",
            "metric": "mmd",
            "scale": "data",
            "queries": "all",
            "label": None,
            "mean": 0.241,
            "low": 0.235,
            "high": 0.247,
        },
        {
            "method": "activa",
            "metric": "mmd",
            "scale": "standardised",
            "queries": "all",
            "label": None,
            "mean": 0.5,
            "low": 0.4,
            "high": 0.6,
        },
    ],
}

RATES = {
    "suite": "sim",
    "quick": False,
    "device": "a processor avx512",
    "numpy": "2.4.6",
    "commit": "newer",
    "date": "2030-01-02",
    "rows": [
        {
            "case": "gauss-8",
            "way": "activa",
            "version": "0.2.0",
            "threads": 1,
            "models_a_second": {"median": 251234.0, "low": 240000.0, "high": 260000.0},
            "times_activa": 1.0,
        },
        {
            "case": "gauss-8",
            "way": "activa, 2 threads",
            "version": "0.2.0",
            "threads": 2,
            "models_a_second": {"median": 480000.0, "low": 480000.0, "high": 480000.0},
            "times_activa": 1.91,
        },
        {
            "case": "gauss-8",
            "way": "sempler",
            "version": "0.2.14",
            "threads": 1,
            "models_a_second": {"median": 535.0, "low": 500.0, "high": 550.0},
            "times_activa": 0.00213,
        },
    ],
    "absent": {"avici": "not installed"},
}
TIMES = {
    "suite": "eval",
    "quick": False,
    "device": "a processor avx512",
    "commit": "newer",
    "date": "2030-01-02",
    "rows": [
        {
            "case": "mmd, 1000 of 40 x 2",
            "way": way,
            "seconds": {"median": 0.00538},
            "times_activa": times,
        }
        for way, times in [
            ("activa", 1.0),
            ("activa, 2 threads", 0.55),
            ("activa, 2 processes", 0.53),
            ("NumPy", 42.2),
            ("PyTorch", 19.0),
        ]
    ],
    "absent": {"hyppo": "not installed"},
}
STREAM = {
    "suite": "sim --stream",
    "quick": False,
    "device": "a processor avx512",
    "commit": "newer",
    "date": "2030-01-02",
    "shares": [
        {
            "recipe": "gauss-2",
            "models": 128,
            "step_seconds": 0.05,
            "drawing_seconds": 0.00025,
            "share_by_itself": 0.005,
        }
    ],
    "memory": [{"models": 100, "most_mib": 90.0}, {"models": 1000, "most_mib": 91.0}],
}

BENCHMARK = {
    "suite": "kernels",
    "quick": False,
    "device": "a processor avx512",
    "accelerator": None,
    "threads": 1,
    "torch": "2.13.0",
    "clock": "CPU seconds",
    "commit": "newer",
    "date": "2030-01-02",
    "comparisons": [
        {
            "case": "gauss-2 step",
            "part": "step",
            "precision": "bfloat16",
            "share_of_matmul": 0.41,
            "times_faster_than_best": 3.2,
            "times_faster_than_plain": 7.9,
        },
        {
            "case": "gauss-2 block samples forward",
            "part": "forward",
            "precision": "bfloat16",
            "share_of_matmul": None,
        },
    ],
    "memory": [{"case": "gauss-8 step", "bytes": {"activa": 5e8, "PyTorch": 4e9}}],
    "computed": [
        {
            "shape": "gauss-2",
            "flops": 18e9,
            "bytes": 85e6,
            "launches": {"activa": 40, "PyTorch": 700},
            "microseconds": {"memory": 55.0, "bfloat16": 57.0, "float32": 900.0},
        }
    ],
}
