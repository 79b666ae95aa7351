from pathlib import Path

import numpy as np
import pytest
from activa_cli.errors import InputError
from activa_cli.recipe import SimulatedSource, read_recipe, shipped_recipes
from activa_sim import simulator

MINIMAL = "name: mine\ndata: {simulator: gauss-2, n_samples: 40}\n"


@pytest.mark.parametrize("name", ["gauss-2", "general-2"])
def test_a_shipped_recipe_is_read_by_its_name(name: str) -> None:
    recipe = read_recipe(name)
    assert recipe.name == name
    simulator(recipe.data.simulator)


def test_every_shipped_recipe_bears_the_name_of_its_file() -> None:
    assert all(read_recipe(name).name == name for name in shipped_recipes())


def test_what_a_recipe_leaves_out_is_the_papers(tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text(MINIMAL)
    recipe = read_recipe(str(path))
    assert recipe.data.rows == (40, 40)
    assert (recipe.model.embed_dim, recipe.training.beta) == (64, 0.1)


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        (MINIMAL + "model: {heads: 3}", "not a multiple of heads"),
        (MINIMAL + "model: {width: 3}", "model.width"),
        (MINIMAL.replace("40", "[500, 20]"), "first is larger"),
        (MINIMAL.replace("40", "1"), "n_samples"),
        ("name: mine", "data"),
        ("", "the file"),
        ("a: [1", "not YAML"),
    ],
)
def test_says_which_field_of_a_recipe_is_wrong(text: str, complaint: str, tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text(text)
    with pytest.raises(InputError, match=complaint):
        read_recipe(str(path))


def test_a_recipe_that_is_not_there_names_those_that_are() -> None:
    with pytest.raises(InputError, match="gauss-2"):
        read_recipe("nonsense")


def test_steps_take_models_that_no_other_step_takes() -> None:
    source = SimulatedSource(simulator("gauss-2"), rows=(5, 5), batch_size=4, seed=3)
    together = simulator("gauss-2").sample(8, 5, seed=3)
    assert source.batches(0) == together[:4]
    assert source.batches(1) == together[4:]


def test_the_number_of_rows_is_log_uniform_and_depends_on_the_step_alone() -> None:
    def rows(seed: int) -> list[int]:
        source = SimulatedSource(simulator("gauss-2"), rows=(20, 500), batch_size=1, seed=seed)
        return [source.n_samples(step) for step in range(4000)]

    drawn = np.array(rows(0))
    assert drawn.min() == 20
    assert drawn.max() == 500
    assert abs((drawn < 100).mean() - 0.5) < 0.03  # sqrt(20 * 500) = 100
    assert rows(0) == rows(0) != rows(1)


def test_many_rows_mean_fewer_models() -> None:
    source = SimulatedSource(
        simulator("gauss-2"), rows=(30, 30), batch_size=9, seed=0, max_rows=100
    )
    assert source.batches(0).obs.shape == (3, 30, 2)
