import torch
from activa_core.optimiser import NAdam
from torch import Tensor, nn


def network() -> nn.Module:
    torch.random.manual_seed(0)
    return nn.Sequential(nn.Linear(3, 7), nn.GELU(), nn.Linear(7, 2)).double()


def set_gradients(model: nn.Module, step: int) -> None:
    generator = torch.Generator().manual_seed(step)
    for parameter in model.parameters():
        gradient = torch.randn(parameter.shape, generator=generator, dtype=torch.float64)
        assert parameter.grad is not None
        parameter.grad.copy_(gradient * 0.1**step * 10)


def move(optimiser: NAdam, rate: float) -> tuple[float, int]:
    norm, non_finite = optimiser.step(optimiser.coefficients(rate))
    return norm.item(), int(non_finite)


def test_fifty_steps_are_those_of_torch() -> None:
    ours, theirs = network(), network()
    optimiser = NAdam(ours, clip_norm=1.0)
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


def test_what_is_not_finite_is_counted_and_does_not_move() -> None:
    model = network()
    optimiser = NAdam(model, clip_norm=1.0)
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
    def run(model: nn.Module, optimiser: NAdam, steps: range) -> list[Tensor]:
        for step in steps:
            set_gradients(model, step)
            move(optimiser, 1e-2)
        return [parameter.detach() for parameter in model.parameters()]

    whole = network()
    wanted = run(whole, NAdam(whole, clip_norm=1.0), range(6))
    first, second = network(), network()
    stopped = NAdam(first, clip_norm=1.0)
    run(first, stopped, range(4))
    resumed = NAdam(second, clip_norm=1.0)
    second.load_state_dict(first.state_dict())
    resumed.load({name: value.clone() for name, value in stopped.state().items()})
    found = run(second, resumed, range(4, 6))
    assert all(torch.equal(one, other) for one, other in zip(found, wanted, strict=True))


def test_a_run_that_torchs_optimiser_began_goes_on() -> None:
    ours, theirs = network(), network()
    reference = torch.optim.NAdam(theirs.parameters(), lr=1e-2)
    for parameter in theirs.parameters():
        parameter.grad = torch.empty_like(parameter)
    optimiser = NAdam(ours, clip_norm=1e9)
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
    model = network()
    NAdam(model, clip_norm=1.0)
    assert [p.storage_offset() % 16 for p in model.parameters()] == [0, 0, 0, 0]
