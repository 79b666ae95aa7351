"""Calls that nobody would think of: each gives the right numbers, NaN for its pair, or an error."""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from itertools import permutations
from typing import Any, Literal

import numpy as np
import pytest
from activa_eval import (
    InputError,
    crps,
    energy_distance,
    energy_score,
    energy_test,
    mmd,
    mmd_test,
    sliced_wasserstein,
    wasserstein,
)
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

Long = np.longdouble  # whose range holds every square of a float64


@dataclass
class Call:
    """A call, and what is wrong with it; all its arguments show where a test fails."""

    name: str
    x: Any
    y: Any
    a: Any
    b: Any
    options: dict[str, Any]
    fault: str | None


def entries(dtype: Any) -> st.SearchStrategy[float]:
    width: Literal[32, 64] = 32 if dtype == np.float32 else 64
    top = float(np.float32(3e38)) if dtype == np.float32 else 1e307
    return st.one_of(
        st.integers(-2, 2).map(float),  # ties and duplicates
        st.floats(-10.0, 10.0, width=width),
        st.floats(1000.0, 1001.0, width=width),  # far from the origin
        st.floats(-top, top, width=width),  # of any size whose distances can be returned
    )


@st.composite
def weights(draw: st.DrawFn, rows: int) -> Any:
    if draw(st.booleans()):
        return None
    raw = draw(hnp.arrays(float, rows, elements=st.integers(0, 4).map(float)))
    raw[draw(st.integers(0, rows - 1))] += 1.0  # not all zero
    return raw / raw.sum()


FAULTS = (
    "empty",
    "columns",
    "axes",
    "batch",
    "ragged",
    "text",
    "complex",
    "negative",
    "sum",
    "length",
)
OPTIONS: dict[str, st.SearchStrategy[dict[str, Any]]] = {
    "energy_distance": st.sampled_from([{}, {"sqrt": True}]),
    "mmd": st.sampled_from(
        [
            {"squared": True},
            {"squared": True, "bandwidth": "truth"},
            {"squared": True, "bandwidth": [0.5, 3.0]},
            {"squared": True, "multiples": (0.5, 2.0)},
        ]
    ),
    "wasserstein": st.sampled_from([{}, {"p": 2.0}, {"p": 3.5}]),
    "sliced_wasserstein": st.sampled_from([{"n_projections": 3}, {"n_projections": 3, "p": 2.0}]),
    "energy_test": st.just({"n_permutations": 7, "seed": 0}),
    "mmd_test": st.just({"n_permutations": 7, "seed": 0}),
    "crps": st.just({}),
    "energy_score": st.just({}),
}
FUNCTIONS: dict[str, Callable[..., Any]] = {
    f.__name__: f
    for f in (
        *(energy_distance, mmd, wasserstein, sliced_wasserstein),
        *(energy_test, mmd_test, crps, energy_score),
    )
}
UNWEIGHTED = ("energy_test", "mmd_test")


@st.composite
def calls(draw: st.DrawFn) -> Call:
    name = draw(st.sampled_from(sorted(FUNCTIONS)))
    n, m, d = draw(st.integers(1, 5)), draw(st.integers(1, 5)), draw(st.integers(1, 3))
    batch = draw(st.sampled_from([(), (), (2,), (0,)]))
    dtype = draw(st.sampled_from([np.float64, np.float32]))
    x, y = (
        draw(hnp.arrays(dtype, (*lead, rows, d), elements=entries(dtype)))
        for lead, rows in ((batch, n), (draw(st.sampled_from([(), batch])), m))
    )
    a = None if name in UNWEIGHTED else draw(weights(n))
    b = None if name in (*UNWEIGHTED, "crps", "energy_score") else draw(weights(m))
    if draw(st.integers(0, 9)) == 0 and x.size:
        x[tuple(draw(st.integers(0, size - 1)) for size in x.shape)] = draw(
            st.sampled_from([np.nan, np.inf, -np.inf])
        )
    fault = draw(st.sampled_from([None, None, None, *FAULTS]))
    if name in UNWEIGHTED and fault in ("negative", "sum", "length"):
        fault = None
    x, y, a = spoil(fault, x, y, a, n)
    return Call(name, x, y, a, b, draw(OPTIONS[name]), fault)


def spoil(fault: str | None, x: Any, y: Any, a: Any, n: int) -> tuple[Any, Any, Any]:
    """Put one thing that is wrong into a call."""
    wrong: dict[str | None, Callable[[], tuple[Any, Any, Any]]] = {
        None: lambda: (x, y, a),
        "empty": lambda: (x[..., :0, :], y, None),
        "columns": lambda: (x, np.concatenate([y, y], axis=-1), a),
        "axes": lambda: (x, np.zeros(3), a),
        "batch": lambda: (np.zeros((3, n, x.shape[-1])), np.zeros((4, *y.shape[-2:])), a),
        "ragged": lambda: ([[0.0], [0.0, 1.0]], y, None),
        "text": lambda: (x, [["a"]], a),
        "complex": lambda: (x, y + 1j, a),
        "negative": lambda: (
            x,
            y,
            np.concatenate([[-1.0, 2.0], np.zeros(n)])[:n] if n > 1 else [-1.0],
        ),
        "sum": lambda: (x, y, np.full(n, 0.9 / n)),
        "length": lambda: (x, y, np.full(n + 1, 1 / (n + 1))),
    }
    return wrong[fault]()


def check(call: Call) -> None:
    given_weights = {k: v for k, v in (("a", call.a), ("b", call.b)) if v is not None}
    refusal = ""
    try:
        with np.errstate(all="raise", under="ignore"):
            found = FUNCTIONS[call.name](call.x, call.y, **given_weights, **call.options)
    except InputError as error:
        refusal = str(error)
    if call.fault is not None or "leaves float64" in refusal:
        assert len(refusal) > 20
        return
    assert refusal == ""
    leading = np.broadcast_shapes(call.x.shape[:-2], call.y.shape[:-2])
    for index in np.ndindex(leading):
        x = np.broadcast_to(call.x, (*leading, *call.x.shape[-2:]))[index]
        y = np.broadcast_to(call.y, (*leading, *call.y.shape[-2:]))[index]
        value = found.p_value[index] if call.name in UNWEIGHTED else found[index]
        if np.isfinite(x).all() and np.isfinite(y).all():
            check_pair(call, x, y, value)
        else:
            assert np.isnan(value).all()


def check_pair(call: Call, x: Any, y: Any, value: Any) -> None:
    """Hold a number to its definition, in long double."""
    a = np.full(len(x), 1 / len(x)) if call.a is None else call.a
    b = np.full(len(y), 1 / len(y)) if call.b is None else call.b
    xx, yy, xy = (distances(u, v) for u, v in ((x, x), (y, y), (x, y)))
    largest = max(xx.max(), yy.max(), xy.max())
    single = call.x.dtype == np.float32 and call.y.dtype == np.float32
    slack = (1e-5 if single else 1e-12) * largest + Long(1e-322)
    p = call.options.get("p", 1.0)
    if call.name in UNWEIGHTED:
        assert value in np.arange(1, 9) / 8
    elif call.name == "energy_distance":
        energy = 2 * a @ xy @ b - a @ xx @ a - b @ yy @ b
        got = Long(value) ** 2 if call.options.get("sqrt") else Long(value)
        assert abs(got - max(energy, Long(0))) <= slack
    elif call.name == "energy_score":
        assert (abs(value - (a @ xy - a @ xx @ a / 2)) <= slack).all()
    elif call.name == "crps":
        for column in range(x.shape[1]):
            u, v = x[:, [column]], y[:, [column]]
            score = a @ distances(u, v) - a @ distances(u, u) @ a / 2
            assert (abs(value[:, column] - score) <= slack).all()
    elif call.name == "mmd":
        assert 0.0 <= value <= 2.0 + 1e-12
        if isinstance(call.options.get("bandwidth"), list):
            square = Long(0)
            for s in call.options["bandwidth"]:
                kxx, kyy, kxy = (np.exp(-((r / s) ** 2) / 2) for r in (xx, yy, xy))
                square += (a @ kxx @ a + b @ kyy @ b - 2 * a @ kxy @ b) / 2
            assert abs(value - max(square, Long(0))) <= (1e-4 if single else 1e-11)
    elif call.name == "wasserstein":
        check_transport(value, xy, a, b, p, slack)
    else:
        assert value >= 0.0
        with suppress(InputError):  # its powers may leave float64 where those on a line do not
            assert value <= wasserstein(x, y, a=a, b=b, p=p) * (1 + 1e-9) + slack


def check_transport(value: Any, xy: Any, a: Any, b: Any, p: float, slack: Any) -> None:
    n, m = xy.shape
    top = xy.max() if xy.max() > 0 else Long(1)
    powers = (xy / top) ** p
    if n == m and np.ptp(a) == 0.0 and np.ptp(b) == 0.0:
        least = min(powers[np.arange(n), list(order)].mean() for order in permutations(range(n)))
        assert abs(value - top * least ** (1 / Long(p))) <= 1e3 * slack  # a root magnifies
    else:
        assert value <= top * (a @ powers @ b) ** (1 / Long(p)) + slack
        outward = (a * powers.min(axis=1)).sum(), (b * powers.min(axis=0)).sum()
        assert value >= top * max(outward) ** (1 / Long(p)) - 1e3 * slack


def distances(x: Any, y: Any) -> Any:
    gaps = x.astype(Long)[:, None] - y.astype(Long)[None]
    return np.sqrt(np.square(gaps).sum(axis=-1))


@pytest.mark.parametrize("examples", [300, pytest.param(10_000, marks=pytest.mark.slow)])
def test_no_call_crashes_or_returns_a_wrong_number_in_silence(examples: int) -> None:
    run = settings(
        max_examples=examples,
        deadline=None,
        derandomize=True,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    run(given(calls())(check))()
