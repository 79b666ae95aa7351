"""NAdam on all parameters of a network at once: one vector of numbers, one of gradients."""

import math
from collections.abc import Iterator, Mapping

import torch
from torch import Tensor, nn

__all__ = ["NAdam"]

ALIGNMENT = 16  # numbers; where a parameter starts in the vector, so that vector loads stay aligned
BETAS = (0.9, 0.999)
EPS = 1e-8
MOMENTUM_DECAY = 4e-3


class NAdam:
    """Adam with Nesterov momentum (Dozat, 2016), in the arithmetic of `torch.optim.NAdam`.

    Parameters and gradients of the network become views of two vectors, so that a step is a
    handful of operations whatever the number of parameters. Nothing here waits for a GPU.

    Parameters
    ----------
    network : nn.Module
        On its final device and in its final dtype.
    clip_norm : float
        Largest norm of the whole gradient.
    """

    def __init__(self, network: nn.Module, *, clip_norm: float) -> None:
        self.clip_norm = clip_norm
        self._parameters = list(network.parameters())
        starts = list(_starts(self._parameters))
        self._spans = [(a, a + p.numel()) for a, p in zip(starts, self._parameters, strict=False)]
        like = self._parameters[0].detach()
        self.vector, self.gradients = like.new_zeros(starts[-1]), like.new_zeros(starts[-1])
        for parameter, at, gradient in zip(
            self._parameters, self._views(self.vector), self._views(self.gradients), strict=True
        ):
            at.copy_(parameter.detach())
            parameter.data, parameter.grad = at, gradient
        self.mean, self.square = torch.zeros_like(self.vector), torch.zeros_like(self.vector)
        self.steps, self.mu_product = 0, 1.0

    def coefficients(self, learning_rate: float) -> Tensor:
        """Count one more step and return the numbers that depend on its place, (3,) float64.

        How far to go along the gradient and along its running mean, and what the running mean of
        squares is multiplied by. A tensor, so that a captured CUDA graph reads it anew.
        """
        self.steps += 1
        mu, mu_next = _mu(self.steps), _mu(self.steps + 1)
        self.mu_product *= mu
        along_gradient = -learning_rate * (1 - mu) / (1 - self.mu_product)
        along_mean = -learning_rate * mu_next / (1 - self.mu_product * mu_next)
        correction = 1 / (1 - BETAS[1] ** self.steps)
        return torch.tensor([along_gradient, along_mean, correction], dtype=torch.float64)

    @torch.no_grad()
    def step(self, coefficients: Tensor) -> tuple[Tensor, Tensor]:
        """Move the parameters along the gradient, clipped, and zero where it is not finite.

        Parameters
        ----------
        coefficients : Tensor, shape (3,)
            On the device and in the dtype of the network.

        Returns
        -------
        norm : Tensor, shape ()
            Of the gradient before it was clipped.
        non_finite : Tensor, shape ()
            Elements that were zeroed, as the paper does.
        """
        along_gradient, along_mean, correction = coefficients.unbind()
        gradients = self.gradients.nan_to_num(nan=0.0, posinf=0.0, neginf=0.0)
        non_finite = (gradients != self.gradients).sum()
        norm = torch.linalg.vector_norm(gradients)
        gradients.mul_((self.clip_norm / (norm + 1e-6)).clamp(max=1.0))
        self.mean.lerp_(gradients, 1 - BETAS[0])
        self.square.mul_(BETAS[1]).addcmul_(gradients, gradients, value=1 - BETAS[1])
        deviation = (self.square * correction).sqrt_().add_(EPS)
        update = gradients.mul_(along_gradient).addcmul_(self.mean, along_mean)
        self.vector.addcdiv_(update, deviation)
        return norm, non_finite

    def state(self) -> dict[str, Tensor]:
        """Return all that a resumed run needs, by "<index of the parameter>.<name>"."""
        state: dict[str, Tensor] = {}
        means, squares = self._views(self.mean), self._views(self.square)
        for index, (mean, square) in enumerate(zip(means, squares, strict=True)):
            state[f"{index}.exp_avg"], state[f"{index}.exp_avg_sq"] = mean, square
            state[f"{index}.step"] = torch.tensor(float(self.steps))
            state[f"{index}.mu_product"] = torch.tensor(self.mu_product, dtype=torch.float64)
        return state

    def load(self, state: Mapping[str, Tensor]) -> None:
        """Go on from what `state` returned."""
        means, squares = self._views(self.mean), self._views(self.square)
        for index, (mean, square) in enumerate(zip(means, squares, strict=True)):
            mean.copy_(state[f"{index}.exp_avg"])
            square.copy_(state[f"{index}.exp_avg_sq"])
        self.steps = int(state["0.step"])
        self.mu_product = float(state["0.mu_product"])

    def _views(self, vector: Tensor) -> list[Tensor]:
        """Split a vector into tensors of the parameters' shapes."""
        return [
            vector[start:stop].view_as(parameter)
            for parameter, (start, stop) in zip(self._parameters, self._spans, strict=True)
        ]


def _starts(parameters: list[nn.Parameter]) -> Iterator[int]:
    """Place of each parameter in the vector, and the length of the vector."""
    start = 0
    yield start
    for parameter in parameters:
        start += math.ceil(parameter.numel() / ALIGNMENT) * ALIGNMENT
        yield start


def _mu(step: int) -> float:
    """Momentum of a step, on its way from half of beta_1 to all of it."""
    return BETAS[0] * (1 - 0.5 * math.pow(0.96, step * MOMENTUM_DECAY))
