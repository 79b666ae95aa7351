"""A training step as one CUDA graph: its hundreds of launches become one."""

import torch
from torch import Tensor

from activa_core.errors import TrainingError
from activa_core.processes import Processes
from activa_core.step import Inputs, Step

__all__ = ["CapturedStep"]

WARM_UP = 3  # steps before the capture, in which libraries settle what they allocate and compile


class CapturedStep:
    """Captures a `Step` at its first call and replays it from then on.

    Parameters
    ----------
    step : Step
        Of a network on a CUDA device.

    Raises
    ------
    TrainingError
        If the device has no graphs, or later if the shapes of a step differ from the first.
    """

    def __init__(self, step: Step) -> None:
        if step.sums.device.type != "cuda":
            raise TrainingError(
                f"graph=True captures a CUDA graph, and the device is {step.sums.device}; "
                'give device="cuda", or leave graph out'
            )
        if Processes.running().size > 1:
            raise TrainingError("several processes cannot share a CUDA graph; leave graph out")
        self.step = step
        self._graph = torch.cuda.CUDAGraph()
        self._inputs: Inputs | None = None  # where the graph reads

    def __call__(self, inputs: Inputs) -> None:
        """Move the weights by one step."""
        with torch.cuda.device(self.step.sums.device):
            if self._inputs is None:
                self._inputs = inputs.map(torch.clone)
                self._capture(self._inputs)
            else:
                _copy(inputs, self._inputs)
            self._graph.replay()

    def _capture(self, inputs: Inputs) -> None:
        state = self._state()
        before = [tensor.clone() for tensor in state]
        stream = torch.cuda.Stream()  # type: ignore[no-untyped-call]
        stream.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(stream):
            for _ in range(WARM_UP):
                self.step(inputs)
        torch.cuda.current_stream().wait_stream(stream)
        for tensor, old in zip(state, before, strict=True):
            tensor.copy_(old)
        with torch.cuda.graph(self._graph):
            self.step(inputs)

    def _state(self) -> list[Tensor]:
        """What a step changes."""
        step, optimiser = self.step, self.step.optimiser
        return [
            *(optimiser.vector, optimiser.mean, optimiser.square),
            *(step.sums, step.latest, step.streak, step.longest),
        ]


def _copy(inputs: Inputs, to: Inputs) -> None:
    there, here = _tensors(to), _tensors(inputs)
    if [t.shape for t in there] != [t.shape for t in here]:
        raise TrainingError(
            f"graph=True needs batches of the same shapes in every step, obs is now "
            f"{tuple(inputs.pairs.obs.shape)} and was {tuple(to.pairs.obs.shape)}; "
            "leave graph out"
        )
    for old, new in zip(there, here, strict=True):
        old.copy_(new, non_blocking=True)


def _tensors(inputs: Inputs) -> list[Tensor]:
    found: list[Tensor] = []

    def remember(tensor: Tensor) -> Tensor:
        found.append(tensor)
        return tensor

    inputs.map(remember)
    return found
