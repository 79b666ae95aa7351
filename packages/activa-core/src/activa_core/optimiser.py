"""NAdam, and Muon for matrices, on all parameters of a network at once."""

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import accumulate, pairwise

import torch
from torch import Tensor, nn

__all__ = ["Matrices", "Optimiser", "orthogonal"]

Matrices = Sequence[tuple[Tensor, int]]
"""Parameters (k m, n), each with its k: it holds k matrices (m, n), one below the other."""

ALIGNMENT = 16  # numbers; where a parameter starts in the vector, so that vector loads stay aligned
BETAS = (0.9, 0.999)
EPS = 1e-8
MOMENTUM_DECAY = 4e-3
MATRIX_MOMENTUM = 0.9
NEWTON_SCHULZ = (3.4445, -4.775, 2.0315)
ITERATIONS = 5
MIN_NORM = 1e-7


class Optimiser:
    """NAdam (Dozat, 2016), and Muon (Jordan et al., 2024) for the matrices that are named.

    In the arithmetic of `torch.optim.NAdam`, and of `torch.optim.Muon` without weight decay, but
    in the network's precision. The whole gradient is clipped first.

    Parameters and gradients of the network become views of two vectors, in which matrices of one
    shape stand side by side, so that a step is a handful of operations whatever the number of
    parameters. Nothing here waits for a GPU.

    Parameters
    ----------
    network : nn.Module
        On its final device and in its final dtype.
    clip_norm : float
        Largest norm of the whole gradient.
    matrices : Matrices
        Those of the network's parameters that Muon moves; NAdam moves the others.
    """

    def __init__(self, network: nn.Module, *, clip_norm: float, matrices: Matrices = ()) -> None:
        self.clip_norm = clip_norm
        shapes = {matrix: (k, len(matrix) // k, matrix.shape[1]) for matrix, k in matrices}
        order = sorted(network.parameters(), key=lambda p: shapes.get(p, ()))  # NAdam's first
        starts = list(_starts(order))
        self._plain = starts[len(order) - len(shapes)]  # where the matrices begin
        self._stacks: dict[tuple[int, int, int], slice] = {}
        spans: dict[Tensor, slice] = {}
        for parameter, (start, stop) in zip(order, pairwise(starts), strict=True):
            spans[parameter] = slice(start, start + parameter.numel())
            if parameter in shapes:
                first = self._stacks.get(shapes[parameter], slice(start, stop)).start
                self._stacks[shapes[parameter]] = slice(first, stop)
        self._parameters = [(p, spans[p]) for p in network.parameters()]
        like = order[0].detach()
        self.vector, self.gradients = like.new_zeros(starts[-1]), like.new_zeros(starts[-1])
        self.mean, self.square = like.new_zeros(starts[-1]), like.new_zeros(self._plain)
        for (parameter, _), at, gradient in zip(
            self._parameters, self._views(self.vector), self._views(self.gradients), strict=True
        ):
            at.copy_(parameter.detach())
            parameter.data, parameter.grad = at, gradient
        self.steps, self.mu_product = 0, 1.0

    def coefficients(self, learning_rate: float, matrix_learning_rate: float = 0.0) -> Tensor:
        """Count one more step and return the numbers that depend on its place, (4,) float64.

        How far to go along the gradient and along its running mean, what the running mean of
        squares is multiplied by, and how far to move the matrices. A tensor, so that a captured
        CUDA graph reads it anew.
        """
        self.steps += 1
        mu, mu_next = _mu(self.steps), _mu(self.steps + 1)
        self.mu_product *= mu
        along_gradient = -learning_rate * (1 - mu) / (1 - self.mu_product)
        along_mean = -learning_rate * mu_next / (1 - self.mu_product * mu_next)
        correction = 1 / (1 - BETAS[1] ** self.steps)
        numbers = [along_gradient, along_mean, correction, -matrix_learning_rate]
        return torch.tensor(numbers, dtype=torch.float64)

    @torch.no_grad()
    def step(self, coefficients: Tensor) -> tuple[Tensor, Tensor]:
        """Move the parameters along the gradient, clipped, and zero where it is not finite.

        Parameters
        ----------
        coefficients : Tensor, shape (4,)
            On the device and in the dtype of the network.

        Returns
        -------
        norm : Tensor, shape ()
            Of the gradient before it was clipped.
        non_finite : Tensor, shape ()
            Elements that were zeroed, as the paper does.
        """
        along_gradient, along_mean, correction, along_matrices = coefficients.unbind()
        gradients = self.gradients.nan_to_num(nan=0.0, posinf=0.0, neginf=0.0)
        non_finite = (gradients != self.gradients).sum()
        norm = torch.linalg.vector_norm(gradients)
        gradients.mul_((self.clip_norm / (norm + 1e-6)).clamp(max=1.0))
        for shape, span in self._stacks.items():
            gradient, mean, matrices = (
                _stack(v[span], shape) for v in (gradients, self.mean, self.vector)
            )
            mean.lerp_(gradient, 1 - MATRIX_MOMENTUM)
            direction = orthogonal(gradient.lerp(mean, MATRIX_MOMENTUM))
            longer = max(1.0, shape[1] / shape[2]) ** 0.5
            matrices.addcmul_(direction, along_matrices, value=longer)
        gradients, mean = gradients[: self._plain], self.mean[: self._plain]
        mean.lerp_(gradients, 1 - BETAS[0])
        self.square.mul_(BETAS[1]).addcmul_(gradients, gradients, value=1 - BETAS[1])
        deviation = (self.square * correction).sqrt_().add_(EPS)
        update = gradients.mul_(along_gradient).addcmul_(mean, along_mean)
        self.vector[: self._plain].addcdiv_(update, deviation)
        return norm, non_finite

    def state(self) -> dict[str, Tensor]:
        """Return all that a resumed run needs, by "<index of the parameter>.<name>"."""
        state = {f"{index}.{name}": at for index, name, at in self._state()}
        for index in range(len(self._parameters)):
            state[f"{index}.step"] = torch.tensor(float(self.steps))
            state[f"{index}.mu_product"] = torch.tensor(self.mu_product, dtype=torch.float64)
        return state

    def load(self, state: Mapping[str, Tensor]) -> None:
        """Go on from what `state` returned."""
        for index, name, at in self._state():
            at.copy_(state[f"{index}.{name}"])
        self.steps = int(state["0.step"])
        self.mu_product = float(state["0.mu_product"])

    def _state(self) -> Iterator[tuple[int, str, Tensor]]:
        """Running means in the shapes of the parameters, named as torch names them."""
        for index, (parameter, span) in enumerate(self._parameters):
            mean = self.mean[span].view_as(parameter)
            if span.start < self._plain:
                yield index, "exp_avg", mean
                yield index, "exp_avg_sq", self.square[span].view_as(parameter)
            else:
                yield index, "momentum_buffer", mean

    def _views(self, vector: Tensor) -> list[Tensor]:
        """Split a vector into tensors of the parameters' shapes."""
        return [vector[span].view_as(parameter) for parameter, span in self._parameters]


def orthogonal(matrices: Tensor) -> Tensor:
    """U V^T of each matrix U S V^T, roughly: singular values of 0.7 to 1.2 (Jordan et al., 2024).

    Five Newton-Schulz steps, with the numbers of `torch.optim.Muon`.

    Parameters
    ----------
    matrices : Tensor, shape (..., m, n)
        Singular values below a thousandth of the Frobenius norm end lower. Zeros stay zeros.

    Returns
    -------
    Tensor, shape (..., m, n)
    """
    if matrices.shape[-2] > matrices.shape[-1]:
        return orthogonal(matrices.mT).mT
    a, b, c = NEWTON_SCHULZ
    norm: Tensor = torch.linalg.matrix_norm(matrices, keepdim=True)
    x = matrices / norm.clamp(min=MIN_NORM)
    for _ in range(ITERATIONS):
        gram = x @ x.mT
        x = a * x + (b * gram + c * gram @ gram) @ x
    return x


def _stack(vector: Tensor, shape: tuple[int, int, int]) -> Tensor:
    """View the parameters of one shape that stand in a vector as matrices: (parameters, *shape)."""
    numbers = math.prod(shape)
    return vector.view(-1, _aligned(numbers))[:, :numbers].view(-1, *shape)


def _starts(parameters: Iterable[nn.Parameter]) -> Iterator[int]:
    """Place of each parameter in the vector, and the length of the vector."""
    return accumulate((_aligned(p.numel()) for p in parameters), initial=0)


def _aligned(numbers: int) -> int:
    """Room for so many numbers, to where the next ones may start."""
    return math.ceil(numbers / ALIGNMENT) * ALIGNMENT


def _mu(step: int) -> float:
    """Momentum of a step, on its way from half of beta_1 to all of it."""
    return BETAS[0] * (1 - 0.5 * math.pow(0.96, step * MOMENTUM_DECAY))
