"""What is measured: the registry of cases and of the ways to compute each; needs no torch."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Literal

Part = Literal["forward", "forward and backward", "step"]
Precision = Literal["float32", "bfloat16"]
Attention = Literal["products", "sdpa"]
Process = Literal["plain", "tuned", "activa", "base"]

MICRO = 16  # pairs whose hidden activations fit the cache
CROWDED = 10**8  # hidden numbers of a block from which on a whole batch crowds out the memory


@dataclass(frozen=True)
class Shape:
    """Sizes of a network and of its batch, by the paper's letters."""

    name: str
    B: int  # pairs of a data set and a query
    N: int
    d: int
    h: int
    heads: int
    embed_blocks: int
    interv_rows: int  # rows of the answer that a step looks at
    components: int = 1
    e: int = 64
    decoder_blocks: int = 4

    def block_flops(self, *, axis: str, N: int | None = None) -> int:
        """Floating-point operations of a block's matrix products, forward only."""
        N = self.N if N is None else N
        tokens, sequence = self.B * N * self.d, N if axis == "samples" else self.d
        return 2 * tokens * (4 * self.e**2 + 2 * self.e * self.h + 2 * sequence * self.e)

    def step_flops(self) -> int:
        """Of all blocks of a training step, forward and backward (twice the forward)."""
        axes = ["samples" if place % 2 else "variables" for place in range(self.embed_blocks)]
        rows = [(axis, n) for axis in axes for n in (self.N, self.interv_rows)]
        rows += [("variables", 1)] * self.decoder_blocks
        return 3 * sum(self.block_flops(axis=axis, N=n) for axis, n in rows)


SHAPES = (
    Shape("gauss-2", B=256, N=40, d=2, h=128, heads=2, embed_blocks=2, interv_rows=40),
    Shape("general-2", 128, 100, 2, h=128, heads=2, embed_blocks=4, interv_rows=48, components=3),
    Shape("gauss-8", B=256, N=30, d=8, h=512, heads=4, embed_blocks=4, interv_rows=30),
)


@dataclass(frozen=True)
class Case:
    """One thing to compute."""

    kind: Literal["block", "mixture", "step"]
    part: Part
    shape: Shape
    axis: str = ""

    @property
    def name(self) -> str:
        """Of the case, as `--only` matches it."""
        axis = self.axis and f"over {self.axis}"
        words = dict.fromkeys((self.shape.name, self.kind, axis, self.part))
        return " ".join(word for word in words if word)

    @property
    def flops(self) -> int | None:
        """Of the matrix products; None where they are not what takes the time."""
        if self.kind == "mixture":
            return None
        if self.kind == "step":
            return self.shape.step_flops()
        forward = self.shape.block_flops(axis=self.axis)
        return forward if self.part == "forward" else 3 * forward


@dataclass(frozen=True)
class Way:
    """One way to compute a case. `ours` is activa; the others are PyTorch as its users write it."""

    name: str
    precision: Precision
    process: Process
    ours: bool = False
    attention: Attention = "products"
    pure: bool = False  # bfloat16 throughout, not only in matrix products
    micro: int | None = None  # pairs at once
    compiled: Literal["", "default", "reduce-overhead"] = ""
    graph: bool = False  # one CUDA graph


def kernels(*, quick: bool) -> list[Case]:
    """Cases of the suite "kernels", the largest last."""
    shapes = [replace(s, B=6, N=s.N // 4, interv_rows=6) if quick else s for s in SHAPES]
    parts: tuple[Part, Part] = ("forward", "forward and backward")
    cases = [
        Case("block", part, shape, axis)
        for shape in shapes
        for axis in ("variables", "samples")
        for part in parts
    ]
    cases += [Case("mixture", "forward and backward", shape) for shape in shapes]
    return [*cases, *(Case("step", "step", shape) for shape in shapes)]


SUITES = {"kernels": kernels}


def ways(case: Case, device: str, *, compiled: bool, base: bool) -> list[Way]:
    """Every way to compute a case on a device, ours first."""
    precisions: tuple[Precision, ...] = ("float32", "bfloat16")
    if case.kind == "mixture":  # which is never narrow
        precisions = ("float32",)
    found = [Way("activa", p, "activa", ours=True) for p in precisions]
    if case.kind == "step" and device == "cpu":
        found += [Way(f"activa, {MICRO} pairs at once", p, "activa", ours=True, micro=MICRO)
                  for p in precisions]  # fmt: skip
    if case.kind == "step" and device == "cuda":
        found += [Way("activa, captured", p, "activa", ours=True, graph=True) for p in precisions]
    if base:
        found += [Way("activa before", p, "base", ours=True) for p in precisions]
    peers = _mixtures if case.kind == "mixture" else _on_cpu if device == "cpu" else _on_cuda
    found += peers()
    if compiled and case.kind != "mixture":
        found += _compiled(device)
    hidden = case.shape.B * case.shape.N * case.shape.d * case.shape.h
    crowded = device == "cpu" and case.kind == "step" and hidden * case.shape.embed_blocks > CROWDED
    if crowded:  # micro-batches are faster there, as the blocks alone show
        found = [way for way in found if way.ours or way.micro or way.process == "plain"]
    return found


def _mixtures() -> Iterator[Way]:
    yield Way("PyTorch", "float32", "plain")  # by the covariances' Cholesky factors
    yield Way("PyTorch, memory kept", "float32", "tuned")
    yield Way("torch.distributions, memory kept", "float32", "tuned", pure=True)


def _on_cpu() -> Iterator[Way]:
    yield Way("PyTorch", "float32", "plain")
    yield Way("PyTorch, memory kept", "float32", "tuned")
    at_once = f"memory kept, {MICRO} pairs at once"
    yield Way(f"PyTorch, {at_once}", "float32", "tuned", micro=MICRO)
    yield Way("PyTorch SDPA, memory kept", "float32", "tuned", attention="sdpa")
    yield Way(f"PyTorch SDPA, {at_once}", "float32", "tuned", attention="sdpa", micro=MICRO)
    yield Way("PyTorch autocast, memory kept", "bfloat16", "tuned")
    yield Way(f"PyTorch autocast, {at_once}", "bfloat16", "tuned", micro=MICRO)
    yield Way("PyTorch pure bfloat16, memory kept", "bfloat16", "tuned", pure=True)
    yield Way(f"PyTorch pure bfloat16, {at_once}", "bfloat16", "tuned", pure=True, micro=MICRO)


def _on_cuda() -> Iterator[Way]:
    yield Way("PyTorch", "float32", "plain")
    yield Way("PyTorch SDPA", "float32", "plain", attention="sdpa")
    yield Way("PyTorch autocast", "bfloat16", "plain")
    yield Way("PyTorch autocast, SDPA", "bfloat16", "plain", attention="sdpa")
    yield Way("PyTorch pure bfloat16", "bfloat16", "plain", pure=True)
    yield Way("PyTorch pure bfloat16, SDPA", "bfloat16", "plain", attention="sdpa", pure=True)


def _compiled(device: str) -> Iterator[Way]:
    attention: Attention = "sdpa" if device == "cuda" else "products"
    process: Process = "plain" if device == "cuda" else "tuned"
    precisions: tuple[Precision, ...] = ("float32", "bfloat16")
    for precision in precisions:
        yield Way("torch.compile", precision, process, attention=attention,
                  compiled="default")  # fmt: skip
        if device == "cuda":
            yield Way("torch.compile, reduce-overhead", precision, process,
                      attention=attention, compiled="reduce-overhead")  # fmt: skip
