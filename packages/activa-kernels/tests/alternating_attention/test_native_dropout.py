"""The compiled dropout: the bits of the definition, on every instruction set of this machine."""

from __future__ import annotations

import pytest
import torch
from activa_kernels.alternating_attention import BlockWeights
from activa_kernels.alternating_attention import native as compiled
from activa_kernels.alternating_attention.dropout import WHOLE, keep_mask
from activa_kernels.backend import native, native_available
from torch import Tensor

SETS = native().instruction_sets() if native_available() else []


def updates(shape: tuple[int, ...], drop: int, key: Tensor, layer: int) -> tuple[Tensor, Tensor]:
    """Return what a block that adds 1 everywhere adds after its attention and its feed-forward."""
    e, x = shape[-1], torch.zeros(shape)
    sizes = [(e,), (e,), (3 * e, e), (3 * e,), (e, e), (e,), (e,), (e,), (2, e), (2,), (e, 2), (e,)]
    weights = BlockWeights(*(torch.zeros(size) for size in sizes))
    weights = weights._replace(projection_bias=torch.ones(e), output_bias=torch.ones(e))
    out, middle, _ = compiled.forward(
        x,
        weights,
        axis="samples",
        heads=1,
        precision="float32",
        dropout=drop / WHOLE,
        key=key,
        layer=layer,
        n_obs=None,
        n_vars=None,
        save=True,
    )
    return middle, out - middle


@pytest.mark.parametrize("isa", SETS)
# rows that start within a counter, rows shorter than one, rows longer than a vector's counters
@pytest.mark.parametrize(
    "shape", [(2, 7, 3, 1), (3, 5, 1, 3), (1, 9, 2, 20), (2, 3, 5, 64), (2, 3, 1, 136)]
)
@pytest.mark.parametrize("drop", [1, 6554, 32768, 65535])
def test_survivors_and_their_scale_are_those_of_the_definition(
    monkeypatch: pytest.MonkeyPatch, shape: tuple[int, ...], drop: int, isa: str
) -> None:
    monkeypatch.setenv("ACTIVA_ISA", isa)
    key = torch.tensor([2**40 + 3, -(2**35) - 7])
    for site, update in enumerate(updates(shape, drop, key, layer=2**32 - 1)):
        kept = keep_mask(shape, key, 2**32 - 1, site, drop)
        scale = torch.tensor(WHOLE / (WHOLE - drop))
        # what is read off the second site has been added to the first
        torch.testing.assert_close(update, kept * scale, rtol=0, atol=0 if site == 0 else 4e-3)
        assert torch.equal(update != 0, kept)


@pytest.mark.parametrize("isa", SETS)
def test_nothing_is_dropped_at_threshold_zero(monkeypatch: pytest.MonkeyPatch, isa: str) -> None:
    monkeypatch.setenv("ACTIVA_ISA", isa)
    for update in updates((2, 3, 2, 24), 0, torch.tensor([1, 2]), layer=0):
        assert (update == 1).all()


@pytest.mark.parametrize("isa", SETS)
def test_an_element_keeps_its_number_in_a_tile_of_its_own(
    monkeypatch: pytest.MonkeyPatch, isa: str
) -> None:
    """An item that is many blocks of rows, beside many items in one: numbers run on through both."""
    monkeypatch.setenv("ACTIVA_ISA", isa)
    key = torch.tensor([5, 6])
    for shape in ((2, 400, 1, 8), (400, 2, 1, 8)):
        middle, _ = updates(shape, 20000, key, layer=1)
        assert torch.equal(middle != 0, keep_mask(shape, key, 1, 0, 20000))
