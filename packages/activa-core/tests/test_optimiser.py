import pytest
import torch
from activa_core.optimiser import MATRIX_MOMENTUM, Matrices, Optimiser, orthogonal
from torch import Tensor, nn


def network() -> nn.Sequential:
    torch.random.manual_seed(0)
    return nn.Sequential(nn.Linear(3, 7), nn.GELU(), nn.Linear(7, 2)).double()


def with_matrices() -> tuple[nn.ParameterDict, Matrices]:
    """Vectors, and matrices of three shapes, of which one parameter holds three."""
    torch.random.manual_seed(0)
    shapes = {"first": (5, 3), "vector": (7,), "three": (9, 3), "second": (5, 3), "wide": (3, 5)}
    drawn = {name: torch.randn(shape, dtype=torch.float64) for name, shape in shapes.items()}
    model = nn.ParameterDict({name: nn.Parameter(tensor) for name, tensor in drawn.items()})
    counts = {"first": 1, "three": 3, "second": 1, "wide": 1}
    return model, [(model[name], count) for name, count in counts.items()]


def set_gradients(model: nn.Module, step: int) -> None:
    generator = torch.Generator().manual_seed(step)
    for parameter in model.parameters():
        gradient = torch.randn(parameter.shape, generator=generator, dtype=torch.float64)
        assert parameter.grad is not None
        parameter.grad.copy_(gradient * 0.1**step * 10)


def move(optimiser: Optimiser, rate: float) -> tuple[float, int]:
    norm, non_finite = optimiser.step(optimiser.coefficients(rate, 2 * rate))
    return norm.item(), int(non_finite)


def test_fifty_steps_are_those_of_torch() -> None:
    ours, theirs = network(), network()
    optimiser = Optimiser(ours, clip_norm=1.0)
    before = torch.get_default_dtype()
    torch.set_default_dtype(torch.float64)  # in which torch keeps the product of momenta
    try:
        reference = torch.optim.NAdam(theirs.parameters())
        for parameter in theirs.parameters():
            parameter.grad = torch.empty_like(parameter)
        for step in range(50):  # gradients of norm 50 to 1e-48, most of them not clipped
            set_gradients(ours, step)
            set_gradients(theirs, step)
            rate = 1e-2 / (1 + step)
            norm, non_finite = move(optimiser, rate)
            expected = nn.utils.clip_grad_norm_(theirs.parameters(), 1.0)
            reference.param_groups[0]["lr"] = rate
            reference.step()
            assert non_finite == 0
            assert abs(norm - expected) <= 1e-12 * expected
            for one, other in zip(ours.parameters(), theirs.parameters(), strict=True):
                torch.testing.assert_close(one, other, rtol=1e-12, atol=1e-14)
    finally:
        torch.set_default_dtype(before)


def test_matrices_move_as_with_torch() -> None:
    ours, matrices = with_matrices()
    theirs = [
        [nn.Parameter(part.detach().clone()) for part in matrix.chunk(count)]
        for matrix, count in matrices
    ]
    vector = nn.Parameter(ours["vector"].detach().clone())
    optimiser = Optimiser(ours, clip_norm=1e9, matrices=matrices)
    muon = torch.optim.Muon(
        [part for parts in theirs for part in parts],
        lr=2e-2,
        weight_decay=0.0,
        momentum=MATRIX_MOMENTUM,
        adjust_lr_fn="original",
    )
    nadam = torch.optim.NAdam([vector], lr=1e-2)
    before = [matrix.detach().clone() for matrix, _ in matrices]
    for step in range(4):
        set_gradients(ours, step)
        for (matrix, count), parts in zip(matrices, theirs, strict=True):
            assert matrix.grad is not None
            for part, its in zip(parts, matrix.grad.chunk(count), strict=True):
                part.grad = its.clone()
        vector.grad = ours["vector"].grad
        move(optimiser, 1e-2)
        muon.step()  # type: ignore[no-untyped-call]
        nadam.step()
    torch.testing.assert_close(ours["vector"], vector, rtol=1e-7, atol=1e-9)
    for (matrix, _), parts, old in zip(matrices, theirs, before, strict=True):
        found, wanted = matrix - old, torch.cat(list(parts)) - old
        assert (found - wanted).norm() < 0.02 * wanted.norm()  # its products are in bfloat16


@pytest.mark.parametrize("shape", [(2, 4, 4), (2, 3, 8, 5), (5, 8)])
def test_orthogonal_is_a_polynomial_of_the_singular_values(shape: tuple[int, ...]) -> None:
    generator = torch.Generator().manual_seed(1)
    matrices = torch.randn(shape, generator=generator, dtype=torch.float64)
    u, s, v = torch.linalg.svd(matrices, full_matrices=False)
    s = s / s.norm(dim=-1, keepdim=True)
    for _ in range(5):
        s = 3.4445 * s - 4.775 * s**3 + 2.0315 * s**5
    torch.testing.assert_close(orthogonal(matrices), (u * s[..., None, :]) @ v, rtol=0, atol=1e-12)
    assert s.min() > 0.6
    assert s.max() < 1.3
    assert not orthogonal(torch.zeros(shape)).any()


def test_what_is_not_finite_is_counted_and_does_not_move() -> None:
    model = network()
    optimiser = Optimiser(model, clip_norm=1.0)
    before = [parameter.detach().clone() for parameter in model.parameters()]
    set_gradients(model, 0)
    first = next(iter(model.parameters()))
    assert first.grad is not None
    first.grad[0, :2] = torch.tensor([torch.nan, torch.inf])
    norm, non_finite = move(optimiser, 1e-2)
    assert non_finite == 2
    assert 0 < norm < 1e9
    moved = [now != old for now, old in zip(model.parameters(), before, strict=True)]
    assert moved[0].sum() == first.numel() - 2
    assert all(cells.all() for cells in moved[1:])


def test_a_resumed_optimiser_goes_on_bit_for_bit() -> None:
    def run(model: nn.Module, optimiser: Optimiser, steps: range) -> list[Tensor]:
        for step in steps:
            set_gradients(model, step)
            move(optimiser, 1e-2)
        return [parameter.detach() for parameter in model.parameters()]

    def begin() -> tuple[nn.Module, Optimiser]:
        model, matrices = with_matrices()
        return model, Optimiser(model, clip_norm=1.0, matrices=matrices)

    wanted = run(*begin(), range(6))
    (first, stopped), (second, resumed) = begin(), begin()
    run(first, stopped, range(4))
    second.load_state_dict(first.state_dict())
    resumed.load({name: value.clone() for name, value in stopped.state().items()})
    found = run(second, resumed, range(4, 6))
    assert all(torch.equal(one, other) for one, other in zip(found, wanted, strict=True))


def test_a_run_that_torchs_optimiser_began_goes_on() -> None:
    ours, theirs = network(), network()
    reference = torch.optim.NAdam(theirs.parameters(), lr=1e-2)
    for parameter in theirs.parameters():
        parameter.grad = torch.empty_like(parameter)
    optimiser = Optimiser(ours, clip_norm=1e9)
    for step in range(4):
        set_gradients(theirs, step)
        reference.step()
        if step == 2:
            ours.load_state_dict(theirs.state_dict())
            written = reference.state_dict()["state"]
            optimiser.load(
                {f"{i}.{n}": v for i, entry in written.items() for n, v in entry.items()}
            )
    set_gradients(ours, 3)
    move(optimiser, 1e-2)
    for one, other in zip(ours.parameters(), theirs.parameters(), strict=True):
        torch.testing.assert_close(one, other, rtol=1e-7, atol=1e-9)  # its momenta are float32


def test_parameters_stay_aligned_in_the_vector() -> None:
    model, matrices = with_matrices()
    Optimiser(model, clip_norm=1.0, matrices=matrices)
    assert [p.storage_offset() % 16 for p in model.parameters()] == [0] * 5
