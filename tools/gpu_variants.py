"""What is launched on a GPU: every kernel, with each of its tiles, as a call would compile it."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

OPTIONS = ("num_warps", "num_stages", "enable_fp_fusion")
POINTERS = {
    "torch.float32": "*fp32",
    "torch.float64": "*fp64",
    "torch.bfloat16": "*bf16",
    "torch.int64": "*i64",
}


class Variant(NamedTuple):
    """A kernel as it is launched: a type for each argument, "constexpr" for what is constant."""

    name: str
    kernel: Any
    tile: str
    types: dict[str, str]
    constants: dict[str, Any]
    options: dict[str, int]  # of the compiler
    axes: int = 1  # of the grid
    wanted: tuple[str, ...] = ()  # instructions that must be there


def blocks() -> Iterator[Variant]:
    """Kernels of the transformer block: what a call launches, on short and on long sequences."""
    import torch
    from activa_kernels.alternating_attention import tiles, triton

    seen: list[Any] = []
    for tile in tiles.TILES:
        e, h = tile.width, 128
        shapes = [(e,), (e,), (3 * e, e), (3 * e,), (e, e), (e,), (e,), (e,), (h, e), (h,), (e, h)]
        weights = [torch.empty(shape) for shape in (*shapes, (e,))]
        lengths = {name: torch.empty(1, dtype=torch.int64) for name in ("key", "n_obs", "n_vars")}
        # on the other axis the places of tokens differ and nothing else
        axis = "samples" if tile.heads == 2 else "variables"
        for size in (7, tile.rows + 1):  # sequences that a tile holds, and that none does
            options = {"axis": axis, "heads": tile.heads, "precision": tile.precision}
            options |= {"dropout": 0.1, "layer": 0, **lengths}
            x = torch.empty(1, size, size, e)
            with launches() as launched:
                out, middle, workspace = triton.forward(x, weights, save=True, **options)
                triton.backward(out, x, middle, workspace, weights, **options)
            for kernel, grid, arguments in launched:
                variant = block(kernel, grid, arguments, tile)
                if variant[1:] not in seen:
                    seen.append(variant[1:])
                    yield variant


def block(kernel: Any, grid: tuple[int, ...], arguments: dict[str, Any], tile: Any) -> Variant:
    """Name a launch of the transformer block by what sets it apart from others of its kernel."""
    types, constants = types_of(kernel, arguments)
    narrow = "*bf16" in types.values()
    words = ["bfloat16" if narrow else "float32"]
    if "HEADS" in constants:
        words.append(f"{tile.heads} heads")
    if "OVER_SAMPLES" in constants:
        words.append("samples" if constants["OVER_SAMPLES"] else "variables")
    if constants.get("inputs_ptr", "") is None:
        words.append("middle")  # starts there, and not from attended values
    wanted = ("vector load", "mma") if narrow and "ROWS" in constants else ("vector load",)
    options = {name: value for name, value in arguments.items() if name in OPTIONS}
    name = f"alternating_attention.{kernel.__name__}"
    return Variant(name, kernel, " ".join(words), types, constants, options, len(grid), wanted)


def types_of(kernel: Any, arguments: dict[str, Any]) -> tuple[dict[str, str], dict[str, Any]]:
    """Return the types of a launch's arguments, and the values of those that are constant."""
    import torch

    types, constants = {}, {}
    for parameter in kernel.params:
        value = arguments[parameter.name]
        if parameter.is_constexpr or value is None:
            types[parameter.name], constants[parameter.name] = "constexpr", value
        elif isinstance(value, torch.Tensor):
            types[parameter.name] = POINTERS[str(value.dtype)]
        else:
            types[parameter.name] = "fp32" if isinstance(value, float) else "i32"
    return types, constants


@contextmanager
def launches() -> Iterator[list[tuple[Any, tuple[int, ...], dict[str, Any]]]]:
    """Note down kernels, grids and arguments by name instead of launching anything."""
    from triton.runtime.jit import JITFunction

    noted = []

    def note(self: Any, *values: Any, grid: tuple[int, ...], **named: Any) -> None:
        noted.append((self, grid, dict(zip(self.arg_names, values, strict=False)) | named))

    run, JITFunction.run = JITFunction.run, note
    try:
        yield noted
    finally:
        JITFunction.run = run


def mixtures() -> Iterator[Variant]:
    """Kernels of the mixture density."""
    from activa_kernels.mixture_log_prob import triton as family
    from activa_kernels.mixture_log_prob.tiles import TILES

    for kernel in (family._forward, family._backward_rows, family._backward_component):
        for tile in TILES:
            constants = {
                "BLOCK_N": tile.rows,
                "BLOCK_D": tile.dimension,
                "BLOCK_R": tile.rank,
                "FULL": tile.full,
            }
            types = dict.fromkeys(kernel.arg_names, "i32") | dict.fromkeys(constants, "constexpr")
            types |= {name: "*fp32" for name in types if name.endswith("_ptr")}
            if "log_norm" in types:
                types["log_norm"] = "fp32"
            shape = f"{'full' if tile.full else 'low'} {tile.rows}x{tile.dimension}x{tile.rank}"
            name = f"mixture_log_prob.{kernel.__name__}"
            options = {"num_warps": tile.warps, "enable_fp_fusion": True}
            yield Variant(name, kernel, shape, types, constants, options)


def distances() -> Iterator[Variant]:
    """Kernels of sums over pairs of rows, and of transport on lines."""
    import torch
    from activa_kernels.distances import triton, triton_lines
    from activa_kernels.distances.tiles import TILES

    factors = torch.empty(1, 1)
    for tile in TILES:
        n = 65 if tile == TILES[-1] else 2
        z, w, grad = torch.empty(1, n + 1, 1), torch.empty(1, n + 1).double(), torch.empty(1, 1, 3)
        size = f"{tile.rows}x{tile.columns}"
        with launches() as launched:
            triton.sums(z, w, None, n)
            triton.sums(z, w, factors, n)
            triton.sums(z, w, factors, n, derivative=True)
            triton.gradients(grad, z, w, None, n)
            triton.gradients(grad, z, w, factors, n)
        for kernel, grid, arguments in launched:
            words = [size, "distance" if arguments["factor_ptr"] is None else "kernel"]
            words += ["by square"] * arguments.get("DERIVATIVE", False)
            yield distance(kernel, grid, arguments, words)
    x, ends, upstream = torch.empty(1, 2), torch.empty(1, 2).double(), torch.empty(1).double()
    for masses in (None, ends):
        for p in (1.0, 2.0, 3.0):
            with launches() as launched:
                triton_lines.costs(x, x, masses, masses, p)
                triton_lines.gradients(upstream, x, x, masses, masses, p)
            for kernel, grid, arguments in launched[:2]:  # that of y is the same
                words = ["equal" if masses is None else "masses", f"p {p:g}"]
                words += ["slope"] * (arguments["grad_ptr"] is not None)
                yield distance(kernel, grid, arguments, words)


def distance(
    kernel: Any, grid: tuple[int, ...], arguments: dict[str, Any], words: list[str]
) -> Variant:
    """Name a launch of the distances."""
    types, constants = types_of(kernel, arguments)
    options = {name: value for name, value in arguments.items() if name in OPTIONS}
    name = f"distances.{kernel.__name__}"
    return Variant(name, kernel, " ".join(words), types, constants, options, len(grid))
