import json
from dataclasses import dataclass

import pytest
from activa_sim import PRESETS, InputError, SimulatorConfig, simulator
from activa_sim.description import describe, laws, restore
from activa_sim.graphs import EdgeList, ScaleFree
from activa_sim.latents import Confounders
from activa_sim.levels import Levels
from activa_sim.mechanisms import (
    AssortedMechanism,
    BandedMechanism,
    Heteroscedastic,
    MixedMechanism,
    PostNonlinear,
)
from activa_sim.noises import AssortedNoise, MixtureNoise
from activa_sim.queries import FixedValue, MixedQuery, Shift, Subsets

NESTED = MixedMechanism(
    (PostNonlinear(Heteroscedastic(AssortedMechanism(("cubic",)))), BandedMechanism()), (2.0, 1.0)
)
CONFIGS = [
    SimulatorConfig(
        5,
        EdgeList(((0, 1), (3, 1))),
        NESTED,
        MixtureNoise(),
        MixedQuery((FixedValue(), Shift())),
        Subsets(4, 0, 2),
        Confounders(2),
        Levels(),
        coupled=True,
    ),
    SimulatorConfig(3, ScaleFree(1, "in"), BandedMechanism(), AssortedNoise(), FixedValue()),
    PRESETS["general-2"],
    PRESETS["gauss-8"],
]


@pytest.mark.parametrize("config", CONFIGS)
def test_a_configuration_comes_back_from_json(config: SimulatorConfig) -> None:
    text = json.dumps(config.as_dict())
    assert SimulatorConfig.from_dict(json.loads(text)) == config
    assert json.loads(text) == config.as_dict()


def test_a_batch_is_drawn_again_from_what_it_carries() -> None:
    law = simulator("gauss-8").changed(variables=5, mechanism=NESTED, levels=Levels())
    batch = law.sample(3, 9, seed=4, split="test", start=7)
    again = simulator("gauss-2").changed()
    again = type(again)(SimulatorConfig.from_dict(batch.config))
    assert again.sample(3, 9, seed=batch.seed, split=batch.split, start=7) == batch


def test_an_unknown_law_is_answered_with_the_known_ones() -> None:
    with pytest.raises(InputError, match='unknown law "Ring"; choose one of AssortedMechanism, A'):
        restore({"law": "Ring"})
    for abstract in ("GraphLaw", "Mechanism"):
        with pytest.raises(InputError, match=f'unknown law "{abstract}"'):
            restore({"law": abstract})
    with pytest.raises(InputError, match='unknown law "None"'):
        restore({"sd": 1.0})


def test_fields_that_a_law_does_not_have_are_answered_with_those_that_it_has() -> None:
    with pytest.raises(InputError, match=r"GaussianNoise has no such fields \(.*\); give sd"):
        restore({"law": "GaussianNoise", "var": 1.0})
    with pytest.raises(InputError, match=r"Empty has no such fields .*; give none"):
        restore({"law": "Empty", "d": 1})
    with pytest.raises(
        InputError,
        match=r"this describes no simulator of structural models \(.*\); give variables, g",
    ):
        SimulatorConfig.from_dict({"nodes": 3})


def test_a_law_of_the_users_own_is_described_by_name() -> None:
    @dataclass(frozen=True)
    class Ring:
        size: int = 3

    assert describe(Ring()) == {"law": "Ring", "size": 3}
    assert "Ring" not in laws()
