"""A recipe: all that makes one published model, as a YAML file."""

import math
from importlib import resources
from pathlib import Path
from typing import Annotated, Any, Self, TypeVar

import numpy as np
import yaml
from activa_core.config import ModelConfig, TrainConfig
from activa_sim import CausalBatch, Simulator
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from activa_cli.errors import InputError

__all__ = [
    "DataRecipe",
    "Recipe",
    "SimulatedSource",
    "first_mistake",
    "read_recipe",
    "read_yaml",
]

Kind = TypeVar("Kind", bound=BaseModel)
Rows = Annotated[int, Field(ge=2)]


class DataRecipe(BaseModel):
    """Which simulator, and how many rows a data set has."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    simulator: str
    """A preset of activa-sim."""
    n_samples: Rows | tuple[Rows, Rows]
    """Rows, or the ends of a range from which each step draws its own number, log-uniformly."""
    max_rows: int | None = Field(default=None, ge=2)
    """Most rows of data a step; where models have many rows, a step takes fewer models."""
    validation_models: int = Field(default=256, ge=1)
    """Held-out models for each number of rows at which the held-out likelihood is taken."""

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.rows[0] > self.rows[1]:
            raise ValueError("n_samples is [fewest, most], and the first is larger")
        return self

    @property
    def rows(self) -> tuple[int, int]:
        """Fewest and most rows."""
        n = self.n_samples
        return (n, n) if isinstance(n, int) else n


class Recipe(BaseModel):
    """One model: its data, its network, its training."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    data: DataRecipe
    model: ModelConfig = ModelConfig()
    training: TrainConfig = TrainConfig()


class SimulatedSource:
    """Fresh causal models for each step; the same ones whenever that step is asked for.

    Examples
    --------
    >>> from activa_sim import simulator
    >>> source = SimulatedSource(simulator("gauss-2"), rows=(20, 80), batch_size=3, seed=0)
    >>> source.batches(7).interv.shape == source.batches(7).interv.shape
    True
    """

    def __init__(
        self,
        simulator: Simulator,
        *,
        rows: tuple[int, int],
        batch_size: int,
        seed: int,
        split: str = "train",
        max_rows: int | None = None,
    ) -> None:
        self.simulator, self.rows, self.batch_size = simulator, rows, batch_size
        self.seed, self.split, self.max_rows = seed, split, max_rows

    def batches(self, step: int, *, replicate: bool = False) -> CausalBatch:
        """Return the batch of a step, on request with a second sample of the truth."""
        return self.part(step, range(self.models(step)), replicate=replicate)

    def models(self, step: int) -> int:
        """Return how many models the batch of a step has."""
        if self.max_rows is None:
            return self.batch_size
        return min(self.batch_size, max(1, self.max_rows // self.n_samples(step)))

    def part(self, step: int, share: range, *, replicate: bool = False) -> CausalBatch:
        """Return the models at these places of the batch of a step, and draw no others."""
        return self.simulator.sample(
            len(share),
            self.n_samples(step),
            seed=self.seed,
            split=self.split,
            start=step * self.batch_size + share.start,
            replicate=replicate,
        )

    def n_samples(self, step: int) -> int:
        """Return the number of rows of a step, log-uniform over the range."""
        low, high = self.rows
        uniform = np.random.default_rng([self.seed, step]).random()
        return min(high, int(low * math.exp(uniform * math.log((high + 1) / low))))


def read_recipe(name_or_path: str) -> Recipe:
    """Read a recipe of this package by its name, or a file by its path.

    Raises
    ------
    InputError
        If there is no such recipe, it is not YAML, or a field is unknown or out of range.
    """
    shipped = shipped_recipes()
    path = shipped.get(name_or_path, Path(name_or_path))
    if not path.is_file():
        known = ", ".join(shipped)
        raise InputError(f'there is no recipe "{name_or_path}"; give a YAML file or one of {known}')
    return read_yaml(path, Recipe)


def read_yaml(path: Path, kind: type[Kind], **instead: Any) -> Kind:
    """Read what a YAML file describes, with some of its fields replaced.

    Raises
    ------
    InputError
        If it is not YAML, or a field is unknown or out of range.
    """
    try:
        written = yaml.safe_load(path.read_text(encoding="utf-8"))
        return kind.model_validate({**written, **instead} if isinstance(written, dict) else written)
    except yaml.YAMLError as error:
        raise InputError(f"{path} is not YAML: {error}") from error
    except ValidationError as error:
        raise InputError(f"{path}: {first_mistake(error)}") from error


def first_mistake(error: ValidationError) -> str:
    """Say which field is wrong, and why."""
    first = error.errors()[0]
    field = ".".join(str(part) for part in first["loc"]) or "the file"
    return f"{field}: {first['msg']}"


def shipped_recipes() -> dict[str, Path]:
    """Return the recipes inside this package by name."""
    folder = Path(str(resources.files("activa_cli"))) / "recipes"
    return {path.stem: path for path in sorted(folder.glob("*.yaml"))}
