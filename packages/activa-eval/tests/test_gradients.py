from typing import Any

import numpy as np
import pytest
from activa_eval import (
    InputError,
    energy_distance,
    mmd,
    sliced_wasserstein,
    wasserstein,
)
from numpy.testing import assert_allclose

torch = pytest.importorskip("torch")

LOSSES: dict[str, Any] = {
    "energy": energy_distance,
    "energy, unbiased": lambda x, y, **w: energy_distance(x, y, biased=False, **w),
    "energy, root": lambda x, y, **w: energy_distance(x, y, sqrt=True, **w),
    "mmd, median": mmd,
    "mmd, truth": lambda x, y, **w: mmd(x, y, bandwidth="truth", **w),
    "mmd, fixed": lambda x, y, **w: mmd(x, y, bandwidth=[0.5, 2.0], multiples=(1, 3), **w),
    "mmd, unbiased": lambda x, y, **w: mmd(x, y, biased=False, squared=True, **w),
    "sliced": lambda x, y, **w: sliced_wasserstein(x, y, n_projections=5, **w),
    "sliced, p = 2": lambda x, y, **w: sliced_wasserstein(x, y, p=2, n_projections=5, **w),
}
ALL: dict[str, Any] = LOSSES | {
    "wasserstein": wasserstein,
    "wasserstein, p = 2": lambda x, y, **w: wasserstein(x, y, p=2, **w),
}


def draw(*shapes: tuple[int, ...], seed: int = 0) -> list[Any]:
    rng = np.random.default_rng(seed)
    return [torch.tensor(rng.standard_normal(shape), requires_grad=True) for shape in shapes]


def weights(n: int, seed: int) -> Any:
    return torch.tensor(np.random.default_rng(seed).dirichlet(np.ones(n)))


@pytest.mark.parametrize("loss", ALL.values(), ids=ALL)
@pytest.mark.parametrize(("n", "m", "d"), [(4, 3, 2), (3, 3, 1)])
def test_gradients_are_those_of_finite_differences(loss: Any, n: int, m: int, d: int) -> None:
    x, y = draw((2, n, d), (m, d))
    options = {"a": weights(n, 1), "b": weights(m, 2)} if n != m else {}
    assert torch.autograd.gradcheck(lambda x, y: loss(x, y, **options), (x, y))


@pytest.mark.parametrize("loss", LOSSES.values(), ids=LOSSES)
def test_weights_have_gradients_too(loss: Any) -> None:
    x, y = draw((4, 2), (3, 2))
    scores = torch.tensor([0.3, -1.0, 0.5, 0.1], dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda s: loss(x, y, a=s.softmax(0)), (scores,))


@pytest.mark.parametrize("loss", ALL.values(), ids=ALL)
@pytest.mark.parametrize("weighted", [False, True])
def test_a_loss_has_the_value_of_the_distance(loss: Any, weighted: bool) -> None:
    x, y = draw((3, 9, 2), (3, 7, 2))
    options = {"a": weights(9, 1), "b": weights(7, 2)} if weighted else {}
    traced = loss(x, y, **options)
    assert traced.requires_grad
    assert traced.dtype == torch.float64
    plain = loss(x.detach().numpy(), y.detach().numpy(), **options)
    assert_allclose(traced.detach().numpy(), plain.numpy() if weighted else plain, rtol=1e-11)


@pytest.mark.parametrize("loss", LOSSES.values(), ids=LOSSES)
def test_equal_rows_and_equal_samples_have_finite_gradients(loss: Any) -> None:
    x = torch.zeros(4, 2, requires_grad=True)
    loss(x, torch.zeros(4, 2)).backward()
    assert x.grad.isfinite().all()
    assert x.grad.dtype == torch.float32
    y = torch.tensor([[1.0, 2.0], [1.0, 2.0], [3.0, 0.0]], requires_grad=True)
    loss(y, y.detach()).backward()
    assert y.grad.isfinite().all()


@pytest.mark.parametrize("loss", LOSSES.values(), ids=LOSSES)
def test_a_pair_that_is_not_finite_has_no_gradient_and_leaves_others_theirs(loss: Any) -> None:
    x, y = draw((3, 6, 2), (3, 5, 2))
    (clean,) = torch.autograd.grad(loss(x, y).sum(), x)
    spoilt = x.detach().clone()
    spoilt[1, 2, 0] = torch.nan
    spoilt.requires_grad_()
    values = loss(spoilt, y)
    assert_allclose(values.isnan().numpy(), [False, True, False])
    (found,) = torch.autograd.grad(values[[0, 2]].sum(), spoilt)
    assert_allclose(found[[0, 2]].numpy(), clean[[0, 2]].numpy(), rtol=1e-12)
    assert (found[1] == 0.0).all()


@pytest.mark.parametrize(
    "loss",
    [
        energy_distance,
        mmd,
        lambda x, y: sliced_wasserstein(x, y, n_projections=20),
    ],
    ids=["energy", "mmd", "sliced"],
)
def test_descending_a_distance_moves_a_sample_onto_another(loss: Any) -> None:
    target = torch.tensor([[2.0, -1.0], [0.0, 1.0], [3.0, 3.0]], dtype=torch.float64)
    moved = torch.zeros(2, dtype=torch.float64, requires_grad=True)
    optimizer = torch.optim.Adam([moved], lr=0.15)
    for _ in range(60):
        optimizer.zero_grad()
        loss(target + 1.0 - moved, target).backward()
        optimizer.step()
    assert_allclose(moved.detach().numpy(), [1.0, 1.0], atol=0.1)


def test_a_plan_of_tensors_is_that_of_arrays() -> None:
    x, y = draw((2, 5, 2), (2, 4, 2))
    traced: Any = wasserstein(x, y, plan=True)
    plain = wasserstein(x.detach().numpy(), y.detach().numpy(), plan=True)
    assert_allclose(traced.plan.numpy(), plain.plan, atol=1e-12)


def test_a_kernel_of_ones_own_is_asked_with_tensors() -> None:
    def rational(u: Any, v: Any) -> Any:
        return 1.0 / (1.0 + (u[:, :, None] - v[:, None]).square().sum(-1))

    x, y = draw((2, 5, 2), (2, 4, 2))
    assert torch.autograd.gradcheck(lambda x, y: mmd(x[:1], y, kernel=rational), (x, y))
    with pytest.raises(InputError, match=r"return a tensor of shape \(2, 5, 4\)"):
        mmd(x, y, kernel=lambda u, v: rational(u, v).sum(1))


def test_sizes_beyond_float64_squares_keep_their_gradients() -> None:
    x, y = draw((5, 2), (4, 2))
    (plain,) = torch.autograd.grad(energy_distance(x, y), x)
    (scaled,) = torch.autograd.grad(energy_distance(x * 1e200, y * 1e200), x)
    assert_allclose(scaled.numpy(), 1e200 * plain.numpy(), rtol=1e-9)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda x: energy_distance(x, torch.zeros(3, 1)), "x has 2 columns, y has 1"),
        (lambda x: energy_distance(x[:, 0], x), r"give \(\.\.\., rows, columns\)"),
        (lambda x: energy_distance(x, x, a=[2.0, -1.0, 0.0]), "a holds a negative weight"),
        (lambda x: energy_distance(x, x.to(torch.complex64)), "not an array of real numbers"),
        (lambda x: energy_distance(x[:1], x, biased=False), "fewer than 2 rows"),
        (lambda x: wasserstein(x, x, p=30), "go up to p = 20"),
        (lambda x: wasserstein(x, x, a=x[:, 0].softmax(0)), "detach a and b"),
    ],
    ids=["columns", "axes", "negative", "complex", "few", "order", "weights"],
)
def test_what_cannot_be_traced_is_refused(call: Any, message: str) -> None:
    with pytest.raises(InputError, match=message):
        call(torch.ones(3, 2, requires_grad=True))


@pytest.mark.gpu
@pytest.mark.parametrize("loss", ALL.values(), ids=ALL)
def test_on_a_device_a_loss_stays_there_and_its_gradient_is_that_of_the_cpu(loss: Any) -> None:
    x, y = (rows.detach().float() for rows in draw((3, 9, 2), (3, 7, 2)))
    found = []
    for device in ("cpu", "cuda"):
        moved = x.to(device).requires_grad_()
        value = loss(moved, y.to(device))
        assert value.device.type == device
        (slope,) = torch.autograd.grad(value.sum(), moved)
        found.append((value.detach().cpu().numpy(), slope.cpu().numpy()))
    for here, there in zip(*found, strict=True):
        assert_allclose(there, here, rtol=1e-4, atol=1e-5)
