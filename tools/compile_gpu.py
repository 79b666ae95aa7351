"""Compile every GPU kernel for sm_80 and sm_90 without a GPU, and hold it to its registers.

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
from importlib.util import find_spec
from itertools import chain
from pathlib import Path
from typing import Any

from cuda_kernels import compile_cuda, find_nvcc
from gpu_variants import Variant, blocks, distances, mixtures

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
    for row in chain(rows_of_worker(options.only), compile_cuda(options.only, CAPABILITIES)):
        row["expected"] = expected.get(name(row))
        rows.append(row)
        show([row[column] for column in COLUMNS])
        wrong += gates(row, check_registers=not options.update)
    if options.update:
        kept = expected if options.only or find_nvcc() is None else {}
        table = kept | {name(row): row["registers"] for row in rows}
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
    wanted: list[tuple[Variant, int]] = [
        (variant, capability)
        for variant in (*blocks(), *mixtures(), *distances())
        for capability in CAPABILITIES
        if only in variant.name
    ]
    with ThreadPoolExecutor(os.cpu_count()) as pool:  # most of the time is not Python's
        yield from pool.map(lambda pair: compile_one(*pair), wanted)


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
