"""The compiled dropout: the bits of the definition, on every instruction set of this machine."""

from __future__ import annotations

import ctypes
import shutil
import subprocess
from pathlib import Path

import pytest
import torch
from activa_kernels.alternating_attention import BlockWeights
from activa_kernels.alternating_attention import native as compiled
from activa_kernels.alternating_attention.dropout import WHOLE, keep_mask, philox, site_key
from activa_kernels.backend import native, native_available
from torch import Tensor

SETS = native().instruction_sets() if native_available() else []
SOURCES = Path(__file__).parents[2] / "src" / "activa_kernels" / "alternating_attention"
# what CMakeLists.txt compiles a set with, where its dropout differs from the others'
FLAGS = {
    "base": "",
    "avx2": "-mavx2 -mfma",
    "avx512": "-mavx2 -mfma -mavx512f -mavx512bw -mavx512cd -mavx512dq -mavx512vl",
}
SHIM = """
#include "cpu.hpp"
extern "C" void drop(uint64_t key, uint32_t threshold, const int64_t* tokens, int64_t rows, int64_t e,
                     float* values) {
  activa::ACTIVA_ISA::drop(activa::Dropout{key, threshold}, tokens, rows, e, values, activa::padded(e));
}
"""


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


@pytest.mark.skipif(shutil.which("g++") is None, reason="compiles the source, which takes g++")
@pytest.mark.parametrize("isa", [isa for isa in SETS if isa in FLAGS])
def test_numbers_of_elements_take_64_bits(tmp_path: Path, isa: str) -> None:
    """No tensor of that size fits here: the source is compiled alone, and given far tokens."""
    (tmp_path / "shim.cpp").write_text(SHIM)
    # the sets other than base are declared on x86 alone
    options = [
        *FLAGS[isa].split(),
        f"-DACTIVA_ISA={isa}",
        *(["-DACTIVA_X86"] if len(SETS) > 1 else []),
    ]
    files = [
        str(tmp_path / "shim.cpp"),
        str(SOURCES / "dropout.cpp"),
        "-o",
        str(tmp_path / "drop.so"),
    ]
    command = ["g++", "-std=c++17", "-O1", "-fPIC", "-shared", f"-I{SOURCES}", *options, *files]
    subprocess.run(command, check=True)
    library = ctypes.CDLL(str(tmp_path / "drop.so"))
    low, high = site_key(torch.tensor([3, 4]), layer=2, site=1)
    for e in (64, 20):
        # elements around 2^32, and around 2^35, where the number of a counter has more than 32 bits
        tokens = torch.tensor([t // e + i for t in (2**32, 2**35) for i in (-1, 0, 1, 5)])
        values = torch.ones(len(tokens), 64)
        library.drop(
            ctypes.c_uint64(int(high) << 32 | int(low)),
            ctypes.c_uint32(30000),
            ctypes.c_void_p(tokens.data_ptr()),
            ctypes.c_int64(len(tokens)),
            ctypes.c_int64(e),
            ctypes.c_void_p(values.data_ptr()),
        )
        elements = tokens[:, None] * e + torch.arange(e)
        counter, lane = elements // 8, elements % 8
        zero = torch.zeros_like(counter)
        words = philox((low, high), (counter & 0xFFFFFFFF, counter >> 32, zero, zero))
        word = torch.stack(words, dim=-1).gather(-1, lane[..., None] // 2).squeeze(-1)
        kept = (word >> 16 * (lane % 2) & 0xFFFF) >= 30000
        assert torch.equal(values[:, :e] != 0, kept)
