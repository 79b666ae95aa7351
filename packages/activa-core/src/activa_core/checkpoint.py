"""Models and unfinished training on disk: safetensors with a JSON header, so loading runs no code.

Every file is written beside its place and then renamed: a reader sees the old or the new one.
"""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError
from safetensors import SafetensorError, safe_open
from safetensors import torch as safetensors_torch
from torch import Tensor

from activa_core.config import ModelConfig, TrainConfig
from activa_core.errors import CheckpointError
from activa_core.files import write_whole
from activa_core.model import CVAE

__all__ = [
    "ModelCard",
    "TrainingState",
    "load",
    "load_training",
    "read_card",
    "save",
    "save_training",
]


class ModelCard(BaseModel):
    """What a model was trained on and how well it did; it travels inside the checkpoint."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str = "unnamed"
    n_samples: tuple[int, int] = (1, 1_000_000)
    """Fewest and most rows of a data set in training."""
    n_variables: tuple[int, int] | None = None
    """Fewest and most variables in training; None: as many as the network takes."""
    value_range: float | None = None
    """Largest |value| of a query in training, in observed standard deviations from the mean."""
    scale_range: tuple[float, float] | None = None
    """Least and greatest standard deviation of a held-out column; None where units do not matter."""
    recipe: dict[str, Any] = {}
    """The whole recipe: data, model, training."""
    commit: str = "unknown"
    origin: str = ""
    """The model whose weights training began with, and its own origin; empty for random ones."""
    steps: int = 0
    models_seen: int = 0
    """Simulated causal models, each seen once with all its queries."""
    training_seconds: float = 0.0
    """Wall time of the training steps."""
    device: str = "unknown"
    metrics: dict[str, float] = {}
    """Held-out results at the end of training."""


@dataclass(frozen=True)
class TrainingState:
    """All that a training run needs to go on as if it had never stopped."""

    step: int
    models_seen: int
    seconds: float
    weights: dict[str, Tensor]
    optimizer: dict[str, Tensor]  # "<index of the parameter>.<name>"
    origin: str = ""  # as on the model's card


def save(path: Path, model: CVAE, card: ModelCard) -> None:
    """Write a model with its configuration and card.

    Raises
    ------
    CheckpointError
        If the file cannot be written; what stood there before is untouched.
    """
    header = {"config": model.config.model_dump_json(), "card": card.model_dump_json()}
    _write(path, dict(model.state_dict()), {"format": "activa-model", **header})


def load(path: Path) -> tuple[CVAE, ModelCard]:
    """Read a model that `save` wrote, ready to predict (dropout off).

    Raises
    ------
    CheckpointError
        If the file is missing, truncated, foreign, or from an incompatible version.
    """
    with _opened(path, "activa-model") as (file, header):
        config, card = _description(path, header)
        tensors = _tensors(file)
    model = CVAE(config)
    try:
        model.load_state_dict(tensors)
    except RuntimeError as error:
        raise _incompatible(path) from error
    return model.eval(), card


def read_card(path: Path) -> tuple[ModelConfig, ModelCard]:
    """Read what a model is and what it was trained on, without its weights.

    Raises
    ------
    CheckpointError
        As `load` does.
    """
    with _opened(path, "activa-model") as (_, header):
        return _description(path, header)


def save_training(
    path: Path, state: TrainingState, model_config: ModelConfig, config: TrainConfig
) -> None:
    """Write an unfinished run.

    Raises
    ------
    CheckpointError
        If the file cannot be written; the previous checkpoint is untouched.
    """
    tensors = {f"weights.{name}": value for name, value in state.weights.items()}
    tensors |= {f"optimizer.{name}": value for name, value in state.optimizer.items()}
    header = {
        "format": "activa-training",
        "step": str(state.step),
        "models_seen": str(state.models_seen),
        "seconds": repr(state.seconds),
        "origin": state.origin,
        "model": model_config.model_dump_json(),
        "training": config.model_dump_json(),
    }
    _write(path, tensors, header)


def load_training(path: Path, model_config: ModelConfig, config: TrainConfig) -> TrainingState:
    """Read what `save_training` wrote, for the same model and training configuration.

    Raises
    ------
    CheckpointError
        If the file is missing or damaged, or belongs to another configuration.
    """
    with _opened(path, "activa-training") as (file, header):
        tensors = _tensors(file)
    asked: dict[str, ModelConfig | TrainConfig] = {"model": model_config, "training": config}
    for part, ours in asked.items():
        mine = ours.model_dump(mode="json")
        # a field that is younger than the file had its default
        theirs = type(ours)().model_dump(mode="json") | json.loads(header[part])
        changed = sorted(k for k in theirs.keys() | mine if theirs.get(k) != mine.get(k))
        if changed:
            raise CheckpointError(
                f"{path} belongs to a run with another {part} configuration "
                f"({', '.join(changed)} differ); choose another output folder"
            )
    parts: dict[str, dict[str, Tensor]] = {"weights": {}, "optimizer": {}}
    for name, value in tensors.items():
        part, _, rest = name.partition(".")
        parts[part][rest] = value
    return TrainingState(
        int(header["step"]),
        int(header["models_seen"]),
        float(header["seconds"]),
        **parts,
        origin=header.get("origin", ""),  # 0.1.0 wrote none
    )


def _write(path: Path, tensors: dict[str, Tensor], header: dict[str, str]) -> None:
    contiguous = {name: value.detach().cpu().contiguous() for name, value in tensors.items()}
    content = safetensors_torch.save(contiguous, header)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_whole(path, content)
    except OSError as error:
        raise CheckpointError(
            f"cannot write {path}: {error.strerror}; "
            "what stood there before is intact, make room and run again"
        ) from error


@contextmanager
def _opened(path: Path, kind: str) -> Iterator[tuple[Any, dict[str, str]]]:
    """Open a checkpoint of this kind; what is wrong with the file is wrong inside the block too."""
    if not path.is_file():
        raise CheckpointError(f"there is no checkpoint {path}")
    try:
        with safe_open(path, framework="pt") as file:
            header = file.metadata() or {}
            if header.get("format") != kind:
                raise CheckpointError(
                    f"{path} holds something else than an {kind.replace('-', ' ')} checkpoint"
                )
            yield file, header
    except (SafetensorError, OSError) as error:
        raise CheckpointError(
            f"{path} is damaged or not a checkpoint (safetensors); copy or train it again"
        ) from error


def _tensors(file: Any) -> dict[str, Tensor]:
    return {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118


def _description(path: Path, header: dict[str, str]) -> tuple[ModelConfig, ModelCard]:
    try:
        config = ModelConfig.model_validate_json(header["config"])
        return config, ModelCard.model_validate_json(header["card"])
    except (KeyError, ValidationError) as error:
        raise _incompatible(path) from error


def _incompatible(path: Path) -> CheckpointError:
    return CheckpointError(
        f"{path} was written by an incompatible version of activa-core; "
        "install the version that wrote it, or train the model again"
    )
