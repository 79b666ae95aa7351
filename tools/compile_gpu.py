"""Compile every Triton kernel for sm_80 and sm_90 without a GPU, and hold it to its registers.

A kernel fails if it uses a stack, spills, has a grid on another axis than 0, lacks the instructions
that it is there for, or needs over 10 % more or fewer registers than `tools/registers.json` says.
`python tools/compile_gpu.py --update` writes that file anew, `--only NAME` compiles some of them.
"""

import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any, NamedTuple

REGISTERS = Path(__file__).with_name("registers.json")
CAPABILITIES = (80, 90)
COLUMNS = ("kernel", "tile", "sm", "registers", "expected", "stack", "spills", "shared", "notes")
WIDTHS = (46, 26, 3, 9, 8, 5, 6, 6, 0)
INSTRUCTIONS = {
    "spill": r"\b(?:LDL|STL)\b",
    "mma": r"\bH(?:G)?MMA\b",
    "FFMA": r"\bFFMA\b",
    "load": r"\bLDG(?:STS)?\b",
    "vector load": r"\bLDG(?:STS)?\.[\w.]*\b(?:64|128)\b",
}
OPTIONS = ("num_warps", "num_stages", "enable_fp_fusion")
POINTERS = {"torch.float32": "*fp32", "torch.bfloat16": "*bf16", "torch.int64": "*i64"}


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


def main() -> int:
    """Print a table and what is wrong with it; 1 if something is."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--update", action="store_true", help="accept the registers of this run")
    parser.add_argument("--only", default="", metavar="NAME", help="kernels whose name holds this")
    parser.add_argument("--worker", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if find_spec("triton") is None or find_spec("activa_kernels") is None:
        print("nothing compiled: install activa-kernels[triton], which exists on Linux only")
        return 1
    if options.worker:
        for row in compile_all(options.only):
            print(json.dumps(row), flush=True)
        return 0
    expected = json.loads(REGISTERS.read_text()) if REGISTERS.exists() else {}
    show(COLUMNS)
    rows: list[dict[str, Any]] = []
    wrong: list[str] = []
    for row in rows_of_worker(options.only):
        row["expected"] = expected.get(name(row))
        rows.append(row)
        show([row[column] for column in COLUMNS])
        wrong += gates(row, check_registers=not options.update)
    if options.update:
        table = (expected if options.only else {}) | {name(row): row["registers"] for row in rows}
        REGISTERS.write_text(json.dumps(table, indent=2) + "\n")
    print("\n".join(wrong) or f"{len(rows)} kernels compiled, no stack, no spills")
    return int(bool(wrong))


def name(row: dict[str, Any]) -> str:
    """Identify a compiled variant."""
    return f"{row['kernel']} {row['tile']} sm_{row['sm']}"


def show(cells: Any) -> None:
    """Print one line of the table."""
    print(
        " ".join(f"{cell!s:{width}}" for cell, width in zip(cells, WIDTHS, strict=True)), flush=True
    )


def gates(row: dict[str, Any], *, check_registers: bool) -> Iterator[str]:
    """Say what a compiled kernel may not do."""
    if row["stack"] or row["spills"]:
        yield f"{name(row)}: stack of {row['stack']} bytes, {row['spills']} spill instructions"
    if row["axes"] > 1:
        yield f"{name(row)}: a grid on an axis other than 0, which takes 65,535 programs only"
    for instruction in row["missing"]:
        yield f"{name(row)}: no {instruction} instructions"
    if check_registers and row["expected"] is None:
        yield f"{name(row)}: not in {REGISTERS.name}; run with --update"
    elif check_registers and abs(row["registers"] - row["expected"]) > 0.1 * row["expected"]:
        yield f"{name(row)}: {row['registers']} registers, expected {row['expected']}"


def rows_of_worker(only: str) -> Iterator[dict[str, Any]]:
    """Compile in a process of its own: under TRITON_INTERPRET a kernel cannot be compiled."""
    environment = {k: v for k, v in os.environ.items() if k != "TRITON_INTERPRET"}
    command = [sys.executable, __file__, "--worker", "--only", only]
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) as worker:
        assert worker.stdout is not None
        for line in worker.stdout:
            yield json.loads(line)
    if worker.returncode:
        raise SystemExit(f"the compiler stopped with status {worker.returncode}")


def compile_all(only: str) -> Iterator[dict[str, Any]]:
    """Compile each kernel with each tile for each architecture, as its launch would."""
    wanted = [
        (variant, capability)
        for variant in (*blocks(), *mixtures())
        for capability in CAPABILITIES
        if only in variant.name
    ]
    with ThreadPoolExecutor(os.cpu_count()) as pool:  # most of the time is not Python's
        yield from pool.map(compile_one, *zip(*wanted, strict=True))


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
                variant = variant_of(kernel, grid, arguments, tile)
                if variant[1:] not in seen:
                    seen.append(variant[1:])
                    yield variant


def variant_of(kernel: Any, grid: tuple[int, ...], arguments: dict[str, Any], tile: Any) -> Variant:
    """Name a launch of the transformer block by what sets it apart from others of its kernel."""
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


def compile_one(variant: Variant, capability: int) -> dict[str, Any]:
    """Compile one variant and read what the machine code uses."""
    import triton
    from triton.backends.compiler import GPUTarget
    from triton.compiler import ASTSource

    aligned = [i for i, kind in enumerate(variant.types.values()) if kind.startswith("*")]
    source = ASTSource(
        fn=variant.kernel,
        signature=variant.types,
        constexprs=variant.constants,
        attrs={(i,): [["tt.divisibility", 16]] for i in aligned},
    )
    compiled = triton.compile(
        source, target=GPUTarget("cuda", capability, 32), options=variant.options
    )
    usage, code = disassemble(compiled.asm["cubin"])
    found = dict(re.findall(r"(REG|STACK):(\d+)", usage))
    count = {what: len(re.findall(pattern, code)) for what, pattern in INSTRUCTIONS.items()}
    return {
        "kernel": variant.name,
        "tile": variant.tile,
        "sm": capability,
        "axes": variant.axes,
        "registers": int(found["REG"]),
        "stack": int(found["STACK"]),
        "spills": count.pop("spill"),
        "shared": compiled.metadata.shared,
        "missing": [what for what in variant.wanted if not count[what]],
        "notes": ", ".join(f"{n} {what}" for what, n in count.items() if n),
    }


def disassemble(cubin: bytes) -> tuple[str, str]:
    """Return the resource usage and the machine code, by the tool inside Triton's wheel."""
    import triton.backends.nvidia

    tool = Path(triton.backends.nvidia.__file__).with_name("bin") / "cuobjdump"
    with tempfile.NamedTemporaryFile(suffix=".cubin") as file:
        file.write(cubin)
        file.flush()
        usage, code = (
            subprocess.run([tool, option, file.name], capture_output=True, text=True, check=True)
            for option in ("-res-usage", "-sass")
        )
    return usage.stdout + usage.stderr, code.stdout


if __name__ == "__main__":
    sys.exit(main())
