"""An ablation study: a recipe, and changes to it that are trained and scored alike."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from activa_cli.errors import InputError
from activa_cli.recipe import Recipe, first_mistake, read_recipe, read_yaml

__all__ = ["BASE", "Study", "Variant", "changed", "read_study", "variants"]

BASE = "base"


class Study(BaseModel):
    """What is changed, and how long each variant learns.

    Changes are dotted fields of the recipe, such as `training.beta: 0.03`, or `draws`.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    recipe: str
    """The name of a shipped recipe, or the path of one."""
    steps: int = Field(ge=1)
    """Of training, for each variant and seed; a tenth of them, at most, is warm-up."""
    models: int = Field(default=500, ge=2)
    """Held-out causal models on which all variants are scored."""
    draws: int = Field(default=50, ge=1)
    """Latents drawn for a prediction [S]; a change of them alone needs no training of its own."""
    seeds: tuple[int, ...] = Field(default=(42,), min_length=1)
    """Each variant is trained with each; scores are means over them."""
    settings: dict[str, Any] = {}
    """Changes to the recipe that all variants share, the base too."""
    changes: dict[str, dict[str, Any]]
    """Variants by name."""

    @model_validator(mode="after")
    def _leaves_the_base_alone(self) -> Self:
        if BASE in self.changes:
            raise ValueError(f'"{BASE}" is the recipe without a change; choose another name')
        return self


@dataclass(frozen=True)
class Variant:
    """A recipe for each seed, and how it is asked."""

    name: str
    changes: dict[str, Any]
    recipes: tuple[Recipe, ...]
    draws: int


def variants(study: Study) -> list[Variant]:
    """Return the base and every change to it.

    Raises
    ------
    InputError
        If there is no such recipe, or a change makes something else than a recipe of it.
    """
    base = read_recipe(study.recipe)
    steps = study.steps
    shared = {
        "training.steps": steps,
        "training.validate_every": steps,
        "training.warmup_steps": min(base.training.warmup_steps, steps // 10),
        **study.settings,
    }
    found = []
    for name, changes in {BASE: {}, **study.changes}.items():
        fields = {field: value for field, value in changes.items() if field != "draws"}
        draws = changes.get("draws", study.draws)
        if not isinstance(draws, int) or draws < 1:
            raise InputError(f'"{name}": {draws!r} is no number of draws; give at least one')
        recipes = tuple(
            changed(base, {**shared, "training.seed": seed, **fields}, name) for seed in study.seeds
        )
        found.append(Variant(name, changes, recipes, draws))
    return found


def changed(recipe: Recipe, changes: dict[str, Any], name: str) -> Recipe:
    """Return a recipe with some fields changed; `name` is for the error.

    Raises
    ------
    InputError
        If there is no such field, or a value is out of range.

    Examples
    --------
    >>> changed(read_recipe("gauss-2"), {"training.beta": 0.03}, "beta").training.beta
    0.03
    """
    whole = recipe.model_dump()
    for field, value in changes.items():
        part, _, last = field.rpartition(".")
        inside = whole.get(part) if part else whole
        if not isinstance(inside, dict):
            raise InputError(f'"{name}": a recipe has no {field}; write model.latent_dim, say')
        inside[last] = value
    try:
        return Recipe.model_validate(whole)
    except ValidationError as error:
        raise InputError(f'"{name}": {first_mistake(error)}') from error


def read_study(path: Path, **instead: Any) -> Study:
    """Read a study from a YAML file, with some of its fields replaced.

    Raises
    ------
    InputError
        If there is no such file, it is not YAML, or a field is unknown or out of range.
    """
    if not path.is_file():
        raise InputError(f"there is no study {path}; give the path of a YAML file")
    return read_yaml(path, Study, **instead)
