from typing import Any

from activa_cli.standing import standing


def record(method: str, mean: float | None, metric: str = "mmd", **other: Any) -> dict[str, Any]:
    where = {"scale": "data", "label": None, "queries": "all"}
    interval = {"mean": mean, "low": 0.1, "high": 0.5}
    return {"method": method, "metric": metric, **where, **interval, "difference": None, **other}


def row(*found: dict[str, Any], name: str = "gauss-2") -> dict[str, Any]:
    return {"row": name, "printed": {"ACTIVA": (0.29, 1.9, 2.0)}, "results": list(found)}


def test_the_best_reference_is_one_that_is_told_no_more_than_we_are() -> None:
    gap = {"mean": 0.05, "low": 0.01, "high": 0.09}
    found = [record("activa", 0.25), record("activa_one_draw", 0.1), record("oracle", 0.14),
             record("bayes_pair", 0.2), record("told_graph", 0.15), record("hedge", 0.4),
             record("eqvar", 0.3, difference=gap)]  # fmt: skip
    at = standing(row(*found))["mmd"]
    assert at["ours"] == {"mean": 0.25, "low": 0.1, "high": 0.5}
    assert at["best reference"] == {"method": "eqvar", "mean": 0.3}
    assert at["less ours"] == gap
    assert (at["bar"], at["Bayes"], at["oracle"], at["paper"]) == (0.23, 0.2, 0.14, 0.29)


def test_what_was_not_measured_is_none() -> None:
    at = standing(row(record("hedge", None, "nll"), record("eqvar", 0.3, "nll"), name="sergio"))
    assert at["nll"]["best reference"] == {"method": "eqvar", "mean": 0.3}
    assert (at["nll"]["ours"], at["nll"]["less ours"], at["nll"]["paper"]) == (None, None, None)
    assert set(at["mmd"].values()) == {None, 0.29}
    assert at["energy_distance"]["bar"] is None


def test_other_scales_labels_and_queries_do_not_count() -> None:
    others = (
        record("eqvar", 0.1, scale="standardised"),
        record("eqvar", 0.1, label="network"),
        record("eqvar", 0.1, queries="effect"),
    )
    assert standing(row(*others, record("hedge", 0.4)))["mmd"]["best reference"] == {
        "method": "hedge",
        "mean": 0.4,
    }
