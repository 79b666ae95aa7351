from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
import torch
from activa_kernels import InputError
from activa_kernels.mixture_log_prob import mixture_log_prob
from torch import Tensor

Draw = Callable[..., list[Tensor]]


@pytest.mark.parametrize("r", [1, 3])
def test_operator_keeps_what_torch_asks_of_one(draw: Draw, r: int) -> None:
    inputs = [t.requires_grad_() for t in draw(2, 5, 3, 2, r, 0.1)]
    torch.library.opcheck(torch.ops.activa.mixture_log_prob.default, (*inputs, "native"))


def test_compiles_into_one_graph(draw: Draw) -> None:
    problem = draw(2, 5, 3, 2, 1, 0.1)
    compiled = torch.compile(
        lambda *inputs: mixture_log_prob(*inputs).mean(), fullgraph=True, backend="aot_eager"
    )
    inputs = [t.requires_grad_() for t in problem]
    (gradient,) = torch.autograd.grad(compiled(*inputs), inputs[2])
    (eager,) = torch.autograd.grad(mixture_log_prob(*inputs).mean(), inputs[2])
    torch.testing.assert_close(gradient, eager)


@pytest.mark.parametrize("name", ["reference", "native"])
def test_one_number_stands_for_a_diagonal_of_it(
    draw: Draw, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setenv("ACTIVA_BACKEND", name)
    x, log_weights, means, factors, diagonal = draw(2, 5, 3, 2, 1, 0.1)
    full = mixture_log_prob(x, log_weights, means, factors, torch.full_like(diagonal, 0.25))
    assert torch.equal(mixture_log_prob(x, log_weights, means, factors, 0.25), full)


def test_strides_do_not_matter(draw: Draw) -> None:
    problem = draw(2, 5, 3, 2, 4, 0.1)
    shuffled = [t.mT.contiguous().mT for t in problem]
    assert not shuffled[3].is_contiguous()
    assert torch.equal(mixture_log_prob(*shuffled), mixture_log_prob(*problem))


def test_a_gradient_of_a_gradient_is_refused(draw: Draw) -> None:
    inputs = [t.requires_grad_() for t in draw(1, 5, 3, 2, 1, 0.1)]
    (gradient,) = torch.autograd.grad(mixture_log_prob(*inputs).sum(), inputs[0], create_graph=True)
    with pytest.raises(RuntimeError, match="mixture_log_prob_backward"):
        torch.autograd.grad(gradient.sum(), inputs[0])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"x": torch.zeros(5, 3)}, "x must have shape (B, N, d)"),
        ({"x": torch.zeros(2, 5, 4)}, "x has shape (2, 5, 4), factors ask for (2, 5, 3)"),
        ({"log_weights": torch.zeros(2, 3)}, "log_weights has shape (2, 3)"),
        ({"means": torch.zeros(2, 2, 3).double()}, "means is torch.float64"),
        ({"diagonal": torch.zeros(2, 2, 1)}, "diagonal has shape (2, 2, 1)"),
        ({"diagonal": 0.0}, "diagonal is 0.0; give a positive number"),
        ({"diagonal": float("nan")}, "diagonal is nan"),
        ({"factors": torch.zeros(2, 2, 3, 0)}, "factors of shape (2, 2, 3, 0) are empty"),
    ],
)
def test_bad_input_says_what_is_wrong(draw: Draw, change: dict[str, Any], message: str) -> None:
    names = ("x", "log_weights", "means", "factors", "diagonal")
    problem = draw(2, 5, 3, 2, 1, 0.1, torch.float32)
    inputs: dict[str, Any] = dict(zip(names, problem, strict=True))
    with pytest.raises(InputError, match=re.escape(message)):
        mixture_log_prob(**{**inputs, **change})


def test_half_precision_is_refused(draw: Draw) -> None:
    problem = draw(2, 5, 3, 2, 1, 0.1, torch.bfloat16)
    with pytest.raises(InputError, match="widen to float32 or float64"):
        mixture_log_prob(*problem)
