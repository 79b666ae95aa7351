"""What a training step costs an A100 at the least: computed from shapes, never timed."""

from typing import Any

from cases import Shape

# NVIDIA A100 40 GB (data sheet): dense operations a second and bytes a second
RATE = {"bfloat16": 312e12, "float32": 19.5e12}
BANDWIDTH = 1.555e12
FLOAT = 4  # bytes; the residual stream stays float32
# tokens read and written by a fused block: x, middle, out; then grad, x, middle, grad_x
PASSES = 3 + 4


def floor(shape: Shape, launches: dict[str, int]) -> dict[str, Any]:
    """Bytes and operations of a step's blocks, and the time that each alone would take.

    Parameters
    ----------
    shape : Shape
    launches : dict of way to int
        Device kernels a step, counted by `Worker.launches`.
    """
    embedded = shape.B * shape.d * (shape.N + shape.interv_rows) * shape.embed_blocks
    decoded = shape.B * shape.d * shape.decoder_blocks
    moved = (embedded + decoded) * shape.e * FLOAT * PASSES
    return {
        "shape": shape.name,
        "device": "A100 40 GB, computed, not timed",
        "flops": shape.step_flops(),
        "bytes": moved,
        "launches": launches,
        "microseconds": {
            "memory": round(moved / BANDWIDTH * 1e6, 1),
            **{p: round(shape.step_flops() / rate * 1e6, 1) for p, rate in RATE.items()},
        },
    }
