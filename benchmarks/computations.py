"""A case and a way to compute it become a function that does it once."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import peers
import torch
from activa_core.config import ModelConfig, TrainConfig
from activa_core.data import Pairs
from activa_core.model import CVAE
from activa_core.model.layers import TransformerBlock
from activa_core.optimiser import Optimiser
from activa_core.step import Inputs, Step
from activa_kernels.mixture_log_prob import mixture_log_prob
from cases import Case, Shape, Way
from torch import Tensor, nn

SEED = 0


def prepare(case: Case, way: Way, device: str, dropout: float) -> Callable[[], None]:
    """Return what is timed; whatever it needs is drawn and made beforehand."""
    with torch.random.fork_rng(devices=[]):
        torch.random.manual_seed(SEED)
        if case.kind == "mixture":
            return _mixture(case.shape, way, device)
        if case.kind == "step":
            step = _our_step if way.ours else _their_step
            return step(case.shape, way, device, dropout)
        return _block(case, way, device, dropout)


def _block(case: Case, way: Way, device: str, dropout: float) -> Callable[[], None]:
    shape = case.shape
    config = config_of(shape, dropout)
    ours = TransformerBlock(shape.e, shape.h, shape.heads, dropout, layer=0)
    block: Any = ours
    if not way.ours:
        block = peers.like(ours, config, attention=way.attention, pure=way.pure)
    block.to(device)
    x = torch.randn(shape.B, shape.N, shape.d, shape.e).to(device)
    weighted = torch.randn(x.shape).to(device)  # gradient of the output
    options: dict[str, Any] = {"axis": case.axis, "precision": way.precision}
    if dropout:
        options["key"] = torch.tensor([SEED, 1], device=device)
    call = _compile(block, way)
    size = way.micro or shape.B

    @torch.no_grad()
    def forward() -> None:
        for part in torch.split(x, size):
            call(part, **options)

    def forward_and_backward() -> None:
        block.zero_grad()
        for part, gradient in zip(torch.split(x, size), torch.split(weighted, size), strict=True):
            out = call(part.detach().requires_grad_(), **options)
            out.backward(gradient.to(out.dtype))

    return forward if case.part == "forward" else forward_and_backward


def _mixture(shape: Shape, way: Way, device: str) -> Callable[[], None]:
    B, N, d, C, r = shape.B, shape.interv_rows, shape.d, shape.components, shape.e
    drawn = [
        torch.randn(B, N, d),
        torch.randn(B, C).log_softmax(dim=1),
        torch.randn(B, C, d),
        torch.randn(B, C, d, r) / r**0.5,
        torch.full((B, C, d), 1e-3),
    ]
    tensors = [t.to(device) for t in drawn]
    for tensor in tensors[1:]:
        tensor.requires_grad_()
    plain = peers.mixture_by_distributions if way.pure else peers.mixture_by_cholesky
    log_prob = mixture_log_prob if way.ours else plain

    def run() -> None:
        log_prob(*tensors).mean().backward()  # type: ignore[no-untyped-call]
        for tensor in tensors[1:]:
            tensor.grad = None

    return run


def _our_step(shape: Shape, way: Way, device: str, dropout: float) -> Callable[[], None]:
    model = CVAE(config_of(shape, dropout)).train().to(device)
    config = TrainConfig(precision=way.precision, micro_batch=way.micro)
    optimiser = Optimiser(model, clip_norm=config.clip_norm)
    move: Callable[[Inputs], None] = Step(model, optimiser, config)
    if way.graph:
        from activa_core.graph import CapturedStep

        move = CapturedStep(Step(model, optimiser, config))
    pairs, noise = draw_pairs(shape, model.config)
    parts = -(-shape.B // (way.micro or shape.B))
    keys = torch.tensor([[SEED, part] for part in range(parts)])
    start = Inputs(pairs, noise, keys, torch.zeros(4)).map(lambda tensor: tensor.to(device))

    def run() -> None:
        coefficients = optimiser.coefficients(config.learning_rate).float()
        move(replace(start, coefficients=coefficients.to(device)))

    return run


def _their_step(shape: Shape, way: Way, device: str, dropout: float) -> Callable[[], None]:
    model_config = config_of(shape, dropout)
    model = peers.network(model_config, attention=way.attention, pure=way.pure).train().to(device)
    config = TrainConfig(precision=way.precision)
    optimiser = torch.optim.NAdam(model.parameters(), lr=config.learning_rate, foreach=True)
    pairs, noise = draw_pairs(shape, model_config)
    pairs, noise = pairs.map(lambda tensor: tensor.to(device)), noise.to(device)
    key = torch.tensor([SEED, 1], device=device) if dropout else None
    size = way.micro or shape.B

    def loss_of(some: Pairs, noise: Tensor) -> Tensor:
        evidence = model.evidence(some, config, noise, key=key)
        return evidence.loss(config.beta, 0.0).sum() / shape.B

    call = _compile(loss_of, way)

    def run() -> None:
        optimiser.zero_grad()
        for start in range(0, shape.B, size):
            part = slice(start, start + size)
            call(pairs[part], noise[part]).backward()
        nn.utils.clip_grad_norm_(model.parameters(), config.clip_norm)
        optimiser.step()

    return run


def config_of(shape: Shape, dropout: float) -> ModelConfig:
    return ModelConfig(
        query="value",
        fix_target=shape.components > 1,
        max_variables=shape.d,
        embed_dim=shape.e,
        hidden_dim=shape.h,
        heads=shape.heads,
        embed_blocks=shape.embed_blocks,
        decoder_blocks=shape.decoder_blocks,
        decoder_components=shape.components,
        dropout=dropout,
    )


def draw_pairs(shape: Shape, config: ModelConfig) -> tuple[Pairs, Tensor]:
    """Draw a batch, and the noise of its latents."""
    B, N, d = shape.B, shape.N, shape.d
    targets = torch.arange(d) == torch.arange(B)[:, None] % d
    pairs = Pairs(
        obs=torch.randn(B, N, d),
        targets=targets,
        values=torch.where(targets, torch.randn(B, d), 0.0),
        interv=torch.randn(B, shape.interv_rows, d),
    )
    return pairs, torch.randn(B, 1, d, config.latent_dim)


def _compile(call: Callable[..., Any], way: Way) -> Callable[..., Any]:
    if not way.compiled:
        return call
    compiled = torch.compile(call, fullgraph=True, mode=way.compiled)

    def marked(*arguments: Any, **options: Any) -> Any:
        torch.compiler.cudagraph_mark_step_begin()  # type: ignore[no-untyped-call]
        return compiled(*arguments, **options)

    return marked
