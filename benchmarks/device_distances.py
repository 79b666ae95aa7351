"""Time the distances on a GPU beside PyTorch: `python benchmarks/device_distances.py --save`.

Time is between CUDA events, the ways take turns. `--computed` needs no GPU: it counts the kernels of
each call, and what an A100 needs for its arithmetic and its memory at the least.
"""

import argparse
import json
import sys
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from statistics import median
from typing import Any
from unittest.mock import patch

import torch
from activa_kernels import backend
from activa_kernels.distances import torch_assignment, torch_lines, torch_op
from floor import BANDWIDTH, FLOAT, RATE
from launches import Launches
from processes import ROOT, commit_here
from report import spread
from save import save
from torch import Tensor

ROUNDS, TIMES = 15, 10  # calls are timed ten at once
LINES = 256
WIDTH = 1.0  # of the Gaussian kernel


@dataclass(frozen=True)
class Samples:
    """P pairs of samples of n rows in d columns."""

    P: int
    n: int
    d: int

    @property
    def flops(self) -> int:
        """Of all distances of one pair of samples and within each."""
        return self.P * 3 * self.n**2 * 3 * self.d

    @property
    def bytes(self) -> int:
        """That both samples take."""
        return self.P * 2 * self.n * self.d * FLOAT


SIZES = (Samples(1000, 40, 2), Samples(1000, 30, 8), Samples(1, 3000, 8))
Way = Callable[[Tensor, Tensor], Tensor]


def energy(x: Tensor, y: Tensor) -> Tensor:
    """Ours."""
    between, within_x, within_y = torch_op.energy_terms(x, y)
    return 2 * between - within_x - within_y


def plain_energy(x: Tensor, y: Tensor) -> Tensor:
    """As one writes it."""
    between, within_x, within_y = (
        torch.cdist(*pair).mean((1, 2)) for pair in ((x, y), (x, x), (y, y))
    )
    return 2 * between - within_x - within_y


def mmd(x: Tensor, y: Tensor) -> Tensor:
    """Ours, squared."""
    terms = torch_op.mmd_terms(x, y, x.new_tensor([WIDTH]))
    return (terms.within_x + terms.within_y - 2 * terms.between)[:, 0]


def plain_mmd(x: Tensor, y: Tensor) -> Tensor:
    """As one writes it."""
    between, within_x, within_y = (
        torch.exp(torch.cdist(*pair).square() / (-2 * WIDTH**2)).mean((1, 2))
        for pair in ((x, y), (x, x), (y, y))
    )
    return within_x + within_y - 2 * between


def sliced(x: Tensor, y: Tensor) -> Tensor:
    """Ours."""
    lines = directions(x)
    return torch_lines.line_costs(lines.mT @ x.mT, lines.mT @ y.mT).mean(1)


def plain_sliced(x: Tensor, y: Tensor) -> Tensor:
    """As one writes it."""
    lines = directions(x)
    x, y = ((rows @ lines).sort(dim=1).values for rows in (x, y))
    return (x - y).abs().mean((1, 2))


def assigned(x: Tensor, y: Tensor) -> Tensor:
    """Ours: W1."""
    return torch_assignment.transport_cost(torch.cdist(x, y))


def assigned_on_cpu(x: Tensor, y: Tensor) -> Tensor:
    """Ours, where no CUDA compiler was there: W1."""
    cost = torch.cdist(x, y)
    return torch_assignment.transport_cost(cost.cpu()).to(x.device)


def directions(x: Tensor) -> Tensor:
    """Directions (d, LINES), without waiting for the device."""
    drawn = torch.linspace(-1, 1, x.shape[-1] * LINES, device=x.device).cos()
    return torch.nn.functional.normalize(drawn.reshape(-1, LINES), dim=0)


MEASURES: dict[str, dict[str, Way]] = {
    "energy distance": {"activa": energy, "PyTorch": plain_energy},
    "MMD": {"activa": mmd, "PyTorch": plain_mmd},
    "sliced W1": {"activa": sliced, "PyTorch": plain_sliced},
    "W1": {"activa": assigned, "activa, on the CPU": assigned_on_cpu},
}


def main() -> int:
    """Measure or compute, print, and write what was asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--computed", action="store_true", help="only what needs no GPU")
    parser.add_argument("--save", action="store_true", help="into benchmarks/results/")
    options = parser.parse_args()
    computed = [counted(name, size) for name in MEASURES if name != "W1" for size in SIZES[:2]]
    for line in computed:
        print(json.dumps(line))
    if options.computed:
        return 0
    if not torch.cuda.is_available():
        print("there is no CUDA device here, or torch was built without CUDA", file=sys.stderr)
        return 1
    result = {
        "suite": "distances",
        "device": torch.cuda.get_device_name(),
        "accelerator": torch.cuda.get_device_name(),
        "torch": str(torch.__version__),
        "backend": str(backend()),
        "commit": commit_here(),
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "clock": "seconds between CUDA events",
        "quick": False,
        "rows": [row for name in MEASURES for size in SIZES for row in timed(name, size)],
        "computed": computed,
    }
    folder = ROOT / ("benchmarks/results" if options.save else "runs/benchmarks")
    name = ("distances", str(result["device"]), str(result["commit"]))
    print(f"wrote {save(result, folder, *name)}")
    return 0


def counted(name: str, size: Samples) -> dict[str, Any]:
    """Count the kernels of a call forward, and compute its floor on an A100 40 GB."""
    x, y = (torch.zeros(size.P, size.n, size.d) for _ in range(2))
    number = {}
    for way, compute in MEASURES[name].items():
        with (
            patch.object(torch_op, "_implementation", return_value="triton"),
            patch.object(torch_lines, "_implementation", return_value="triton"),
            Launches() as launched,
        ):
            compute(x, y)
        number[way] = launched.number
    floor = {"memory": size.bytes / BANDWIDTH, "float32": size.flops / RATE["float32"]}
    return {
        "case": f"{name} of {size.P} x {size.n} x {size.d}",
        "device": "A100 40 GB, computed, not timed",
        "launches": number,
        "bytes": size.bytes,
        "flops": size.flops if name != "sliced W1" else None,
        "microseconds": {key: round(1e6 * value, 2) for key, value in floor.items()},
    }


def timed(name: str, size: Samples) -> list[dict[str, Any]]:
    """Time all ways in turn, forward and, where a gradient flows, with the way back."""
    draw = torch.Generator("cuda").manual_seed(0)
    x, y = (torch.randn(size.P, size.n, size.d, device="cuda", generator=draw) for _ in range(2))
    rows = []
    for part in ("forward", "forward and backward") if name != "W1" else ("forward",):
        found: dict[str, list[float]] = {}
        for _ in range(ROUNDS + 1):
            for way, compute in MEASURES[name].items():
                found.setdefault(way, []).append(seconds(compute, x, y, back=part != "forward"))
        for way, times in found.items():
            low, high = spread(times[1:])  # the first compiles
            row = {"case": f"{name} of {size.P} x {size.n} x {size.d}", "part": part, "way": way}
            rows.append(row | {"seconds": {"median": median(times[1:]), "low": low, "high": high}})
            print(json.dumps(rows[-1]), flush=True)
    return rows


def seconds(compute: Way, x: Tensor, y: Tensor, *, back: bool) -> float:
    """Mean time of a call between events."""
    event: Any = torch.cuda.Event
    began, ended = (event(enable_timing=True) for _ in range(2))
    began.record()
    for _ in range(TIMES):
        if back:
            rows = x.detach().requires_grad_()
            torch.autograd.grad(compute(rows, y).sum(), rows)
        else:
            with torch.no_grad():
                compute(x, y)
    ended.record()
    torch.cuda.synchronize()
    return float(began.elapsed_time(ended)) / 1e3 / TIMES


if __name__ == "__main__":
    sys.exit(main())
