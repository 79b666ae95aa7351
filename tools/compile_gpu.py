"""Compile every Triton kernel for sm_80 and sm_90 without a GPU, and hold it to its registers.

A kernel fails if it uses a stack, spills, or needs over 10 % more or fewer registers than
`tools/registers.json` says. `python tools/compile_gpu.py --update` writes that file anew.
"""

import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

REGISTERS = Path(__file__).with_name("registers.json")
CAPABILITIES = (80, 90)
COLUMNS = ("kernel", "tile", "sm", "registers", "expected", "stack", "spills", "shared", "notes")
WIDTHS = (38, 16, 3, 9, 8, 5, 6, 6, 0)


def main() -> int:
    """Print a table and what is wrong with it; 1 if something is."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--update", action="store_true", help="accept the registers of this run")
    parser.add_argument("--worker", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if find_spec("triton") is None or find_spec("activa_kernels") is None:
        print("nothing compiled: install activa-kernels[triton], which exists on Linux only")
        return 1
    if options.worker:
        for row in compile_all():
            print(json.dumps(row), flush=True)
        return 0
    expected = json.loads(REGISTERS.read_text()) if REGISTERS.exists() else {}
    show(COLUMNS)
    rows: list[dict[str, Any]] = []
    wrong: list[str] = []
    for row in rows_of_worker():
        row["expected"] = expected.get(name(row))
        rows.append(row)
        show([row[column] for column in COLUMNS])
        wrong += gates(row, check_registers=not options.update)
    if options.update:
        table = {name(row): row["registers"] for row in rows}
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
    if check_registers and row["expected"] is None:
        yield f"{name(row)}: not in {REGISTERS.name}; run with --update"
    elif check_registers and abs(row["registers"] - row["expected"]) > 0.1 * row["expected"]:
        yield f"{name(row)}: {row['registers']} registers, expected {row['expected']}"


def rows_of_worker() -> Iterator[dict[str, Any]]:
    """Compile in a process of its own: under TRITON_INTERPRET a kernel cannot be compiled."""
    environment = {k: v for k, v in os.environ.items() if k != "TRITON_INTERPRET"}
    command = [sys.executable, __file__, "--worker"]
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) as worker:
        assert worker.stdout is not None
        for line in worker.stdout:
            yield json.loads(line)
    if worker.returncode:
        raise SystemExit(f"the compiler stopped with status {worker.returncode}")


def compile_all() -> Iterator[dict[str, Any]]:
    """Compile each kernel with each tile for each architecture, as its launch would."""
    from activa_kernels.mixture_log_prob import triton as family
    from activa_kernels.mixture_log_prob.tiles import TILES

    kernels = (family._forward, family._backward_rows, family._backward_component)
    for kernel in kernels:
        for tile in TILES:
            constants = {
                "BLOCK_N": tile.rows,
                "BLOCK_D": tile.dimension,
                "BLOCK_R": tile.rank,
                "FULL": tile.full,
            }
            for capability in CAPABILITIES:
                yield {
                    "kernel": f"mixture_log_prob.{kernel.__name__}",
                    "tile": f"{'full' if tile.full else 'low'} {tile.rows}x{tile.dimension}x{tile.rank}",
                    "sm": capability,
                    **compile_one(kernel, constants, tile.warps, capability),
                }


def compile_one(
    kernel: Any, constants: dict[str, Any], warps: int, capability: int
) -> dict[str, Any]:
    """Compile one variant and read what the machine code uses."""
    import triton
    from triton.backends.compiler import GPUTarget
    from triton.compiler import ASTSource

    def kind(argument: str) -> str:
        if argument in constants:
            return "constexpr"
        if argument.endswith("_ptr"):
            return "*fp32"
        return "fp32" if argument == "log_norm" else "i32"

    signature = {argument: kind(argument) for argument in kernel.arg_names}
    aligned = [i for i, argument in enumerate(kernel.arg_names) if argument.endswith("_ptr")]
    source = ASTSource(
        fn=kernel,
        signature=signature,
        constexprs=constants,
        attrs={(i,): [["tt.divisibility", 16]] for i in aligned},
    )
    compiled = triton.compile(
        source,
        target=GPUTarget("cuda", capability, 32),
        options={"num_warps": warps, "enable_fp_fusion": True},
    )
    usage, code = disassemble(compiled.asm["cubin"])
    found = dict(re.findall(r"(REG|STACK):(\d+)", usage))
    count = {op: len(re.findall(rf"\b{op}\b", code)) for op in ("LDL", "STL", "FFMA", "LDG")}
    return {
        "registers": int(found["REG"]),
        "stack": int(found["STACK"]),
        "spills": count["LDL"] + count["STL"],
        "shared": compiled.metadata.shared,
        "notes": f"{count['FFMA']} FFMA, {count['LDG']} LDG, {warps} warps",
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
