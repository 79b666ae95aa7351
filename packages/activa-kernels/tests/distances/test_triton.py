"""Sums over pairs of rows in Triton: on a device where there is one, else in the interpreter."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from activa_kernels import InputError
from activa_kernels.distances import torch_lines, torch_op
from activa_kernels.distances.tiles import LARGE, SMALL, WIDTH, tile_for
from torch import Tensor

triton = pytest.importorskip("triton")
DEVICE = "cuda" if torch.cuda.is_available() else "cpu"
SHAPES = [  # P, n, m, d, K
    (2, 7, 5, 3, 2),
    (3, 1, 1, 1, 1),
    (1, 2, 1, WIDTH + 1, 1),
    (1, 65, 40, 2, 2),
]
Function = Callable[..., torch_op.Terms]


@pytest.fixture(autouse=True)
def triton_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ACTIVA_BACKEND", "triton")


def draw(P: int, n: int, m: int, d: int, K: int) -> list[Tensor]:
    """Draw x, y in float32, weights a, b of sum one and bandwidths in float64."""
    generator = torch.Generator().manual_seed(P + 10 * n + 100 * m + 1000 * d)
    x, y = (torch.randn(P, rows, d, generator=generator) for rows in (n, m))
    a, b = (torch.rand(P, rows, generator=generator, dtype=torch.float64) for rows in (n, m))
    s = 0.5 + torch.rand(P, K, generator=generator, dtype=torch.float64)
    tensors = x, y + 0.3, a / a.sum(1, keepdim=True), b / b.sum(1, keepdim=True), s
    return [t.to(DEVICE) for t in tensors]


def energy(x: Tensor, y: Tensor, a: Tensor, b: Tensor, _: Tensor) -> torch_op.Terms:
    return torch_op.energy_terms(x, y, a, b)


def mmd(x: Tensor, y: Tensor, a: Tensor, b: Tensor, s: Tensor) -> torch_op.Terms:
    return torch_op.mmd_terms(x, y, s, a, b)


def value_and_gradients(function: Function, problem: list[Tensor]) -> list[Tensor]:
    inputs = [t.clone().requires_grad_() for t in problem]
    out = torch.stack(function(*inputs))
    upstream = torch.linspace(-1, 2, out.numel(), dtype=out.dtype, device=out.device)
    found = torch.autograd.grad(out, inputs, upstream.reshape(out.shape), materialize_grads=True)
    return [out.detach(), *found]


def errors(function: Function, problem: list[Tensor]) -> list[float]:
    """Largest differences from the reference in float64, in units of the largest entry."""
    actual = value_and_gradients(function, problem)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ACTIVA_BACKEND", "reference")
        exact = value_and_gradients(function, [t.double() for t in problem])
    return [
        float((got.double() - wanted).abs().max() / wanted.abs().max().clamp(min=1e-30))
        for got, wanted in zip(actual, exact, strict=True)
    ]


def test_both_tiles_are_tried() -> None:
    assert {tile_for(n, m) for _, n, m, _, _ in SHAPES} == {SMALL, LARGE}


# float32 rounds distances to 1e-7; the gradients are sums of such numbers in float32
@pytest.mark.parametrize("function", [energy, mmd])
@pytest.mark.parametrize(("P", "n", "m", "d", "K"), SHAPES)
def test_terms_and_every_gradient_agree_with_the_reference(
    function: Function, P: int, n: int, m: int, d: int, K: int
) -> None:
    value, *gradients = errors(function, draw(P, n, m, d, K))
    assert value < 2e-7
    assert max(gradients) < 2e-6


def test_rows_far_from_the_origin_lose_nothing() -> None:
    x, y, a, b, s = draw(1, 7, 5, 2, 1)
    problem = [(x * 64).round() / 64 + 4096, (y * 64).round() / 64 + 4096, a, b, s]
    near = [problem[0] - 4096, problem[1] - 4096, a, b, s]
    for function in (energy, mmd):
        for far, wanted in zip(
            value_and_gradients(function, problem), value_and_gradients(function, near), strict=True
        ):
            assert torch.equal(far, wanted)


def test_equal_samples_have_three_equal_terms_and_no_slope() -> None:
    x, _, a, _, s = draw(2, 17, 1, 3, 1)
    for function in (energy, mmd):
        between, within_x, within_y = function(x, x, a, a, s)
        assert torch.equal(between, within_x)
        assert torch.equal(between, within_y)
    alone = torch.zeros(1, 2, 2, device=DEVICE, requires_grad=True)  # rows that coincide
    terms = torch_op.energy_terms(alone, alone.detach())
    assert not torch.autograd.grad(terms.between.sum(), alone)[0].any()


@pytest.mark.filterwarnings("ignore:invalid value")  # the interpreter's, of infinity times zero
def test_an_entry_that_is_not_finite_makes_nan_of_the_terms_it_is_in() -> None:
    for bad in (float("nan"), float("inf")):
        problem = draw(2, 3, 2, 2, 1)
        problem[0][1, 2, 0] = bad
        for function in (energy, mmd):
            between, within_x, within_y = function(*problem)
            for term in (between, within_x):
                assert term[0].isfinite().all()
                assert term[1].isnan().all()
            assert within_y.isfinite().all()


def test_a_bandwidth_of_zero_tells_equal_rows_from_others() -> None:
    x, y = torch.tensor([[0.0], [1.0]], device=DEVICE), torch.tensor([[1.0]], device=DEVICE)
    terms = torch_op.mmd_terms(x, y, torch.zeros(1, device=DEVICE))
    assert [float(term) for term in terms] == [0.5, 0.5, 1.0]


def test_a_single_pair_needs_no_batch_axis_and_weights_broadcast() -> None:
    x, y, a, b, s = draw(2, 3, 2, 2, 2)
    both = torch_op.mmd_terms(x, y, s[0], a, b[0])
    one = torch_op.mmd_terms(x[1], y[1], s[0], a[1], b[0])
    assert both.between.shape == (2, 2)
    assert all(torch.equal(many[1], single) for many, single in zip(both, one, strict=True))


def test_double_precision_is_refused_when_triton_is_asked_for() -> None:
    with pytest.raises(InputError, match="take float32, not float64"):
        torch_op.energy_terms(torch.zeros(1, 1).double(), torch.zeros(1, 1).double())


def test_torch_accepts_the_ops_and_compiles_a_loss_in_one_graph() -> None:
    x, y, a, b, s = draw(2, 3, 2, 2, 2)
    z, w = torch.cat([x, y], dim=1), torch.cat([a, b], dim=1)
    problem = (z.requires_grad_(), w, s.float().requires_grad_(), 3)
    torch.library.opcheck(torch_op._sums, problem)
    points, others = x.mT.flatten(0, 1).sort().values, y.mT.flatten(0, 1).sort().values
    ends = (torch.linspace(1 / k, 1, k, dtype=torch.float64, device=DEVICE)[None] for k in (3, 2))
    torch.library.opcheck(torch_lines._costs, (points.requires_grad_(), others, *ends, 1.0))

    def loss(x: Tensor, y: Tensor) -> Tensor:
        between, within_x, within_y = torch_op.energy_terms(x, y)
        return (2 * between - within_x - within_y).mean()

    compiled = torch.compile(loss, fullgraph=True, backend="aot_eager")
    gradients: list[Tensor] = []
    for function in (loss, compiled):
        rows = x.clone().requires_grad_()
        gradients += torch.autograd.grad(function(rows, y), rows)
    torch.testing.assert_close(*gradients)


@pytest.mark.gpu
@pytest.mark.parametrize(("P", "n", "d"), [(1000, 40, 2), (1000, 30, 8), (1, 3000, 8)])
def test_a_device_agrees_at_full_size_and_repeats_itself(P: int, n: int, d: int) -> None:
    problem = draw(P, n, n, d, 2)
    for function in (energy, mmd):
        assert max(errors(function, problem)) < 1e-5
        first, again = (value_and_gradients(function, problem) for _ in range(2))
        assert all(torch.equal(one, other) for one, other in zip(first, again, strict=True))
