"""One training step on tensors: objective, gradients, optimiser, without waiting for a GPU."""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from activa_core.config import TrainConfig
from activa_core.data import Pairs
from activa_core.model import CVAE
from activa_core.optimiser import Optimiser
from activa_core.processes import Processes

__all__ = ["Inputs", "Step"]


@dataclass(frozen=True)
class Inputs:
    """All that a step depends on beside the weights, on the device of the network."""

    pairs: Pairs
    noise: Tensor  # (B, J, d, l) of the latents
    keys: Tensor  # (S, 2) int64, (seed, step) of dropout for each of S micro-batches
    coefficients: Tensor  # (4,) of the optimiser
    of: int | None = None  # pairs in the whole batch, those of other processes too; None: these

    def map(self, change: Callable[[Tensor], Tensor]) -> "Inputs":
        """Return the inputs with each tensor changed."""
        noise, keys, coefficients = map(change, (self.noise, self.keys, self.coefficients))
        return Inputs(self.pairs.map(change), noise, keys, coefficients, self.of)


class Step:
    """A step of `fit`; what the log wants to know of it adds up on the device.

    Attributes
    ----------
    sums : Tensor, shape (4,), float64
        Of log-likelihood, divergence, norm of the gradient and its non-finite elements, over the
        steps since they were set to zero.
    latest : Tensor, shape ()
        The log-likelihood of the last step.
    streak, longest : Tensor, shape (), int64
        Steps in a row with a non-finite gradient: up to now, and at most.
    """

    def __init__(self, model: CVAE, optimiser: Optimiser, config: TrainConfig) -> None:
        self.model, self.optimiser, self.config = model, optimiser, config
        self._processes = Processes.running()
        like = optimiser.vector
        self.sums = like.new_zeros(4, dtype=torch.float64)
        self.latest = like.new_full((), torch.nan, dtype=torch.float64)
        self.streak = like.new_zeros((), dtype=torch.int64)
        self.longest = torch.zeros_like(self.streak)

    def __call__(self, inputs: Inputs) -> None:
        """Move the weights by one step."""
        evidence = self.differentiate(inputs)  # (2,)
        self._processes.add(self.optimiser.gradients)
        self._processes.add(evidence)
        norm, non_finite = self.optimiser.step(inputs.coefficients)
        self.latest.copy_(evidence[0])
        self.sums += torch.cat([evidence, torch.stack([norm, non_finite.to(norm)])])
        self.streak += 1
        self.streak *= non_finite > 0
        torch.maximum(self.longest, self.streak, out=self.longest)

    def differentiate(self, inputs: Inputs) -> Tensor:
        """Put the gradient of the mean loss where the optimiser reads it.

        Micro-batches, and the shares of several processes, add up to the gradient of the whole
        batch, but for what dropout drops.

        Returns
        -------
        Tensor, shape (2,)
            This process's share of the mean log-likelihood and divergence.
        """
        B, size = len(inputs.pairs), micro_batch(inputs.pairs, self.config)
        of = B if inputs.of is None else inputs.of
        total = torch.zeros_like(self.sums[:2])
        self.optimiser.gradients.zero_()
        for key, start in zip(inputs.keys, range(0, B, size), strict=True):
            part = slice(start, start + size)
            some = inputs.pairs[part]
            evidence = self.model.evidence(some, self.config, inputs.noise[part], key=key)
            beta = self.config.beta / (some.rows if self.config.rows == "sum" else 1)
            (evidence.loss(beta, self.config.predictive_weight).sum() / of).backward()  # type: ignore[no-untyped-call]
            terms = torch.stack([evidence.log_likelihood, evidence.divergence]).detach()
            total += terms.sum(dim=1) / of
        return total


def micro_batch(pairs: Pairs, config: TrainConfig) -> int:
    """Return how many pairs go through the network at once: whole data sets, at least one."""
    if config.micro_batch is None:
        return len(pairs)
    whole = config.micro_batch // pairs.queries * pairs.queries
    return min(max(whole, pairs.queries), len(pairs))
