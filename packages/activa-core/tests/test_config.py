import pytest
from activa_core.config import ModelConfig, TrainConfig
from pydantic import ValidationError


def test_an_unknown_field_is_refused() -> None:
    with pytest.raises(ValidationError, match="embedding_dim"):
        ModelConfig.model_validate({"embedding_dim": 64})
    with pytest.raises(ValidationError, match="epochs"):
        TrainConfig.model_validate({"epochs": 3})


def test_parts_that_do_not_fit_together_are_refused() -> None:
    with pytest.raises(ValidationError, match="embed_dim 64 is not a multiple of heads 3"):
        ModelConfig(heads=3)
    with pytest.raises(ValidationError, match="multiple of 2"):
        ModelConfig(embed_blocks=3)
    with pytest.raises(ValidationError, match="max_variables is smaller"):
        ModelConfig(min_variables=3)
    with pytest.raises(ValidationError, match="orient reflects columns of mean zero"):
        ModelConfig(query="value", orient=True)
    with pytest.raises(ValidationError, match="see_reflection tells what orient takes away"):
        ModelConfig(standardise=True, orient=True, see_reflection=True)


def test_the_defaults_are_the_papers_row_for_two_variables() -> None:
    config = ModelConfig()
    assert (config.embed_dim, config.hidden_dim, config.heads) == (64, 128, 2)
    assert (config.embed_blocks, config.decoder_blocks, config.dropout) == (2, 4, 0.1)
    assert (config.prior_components, config.decoder_components, config.rank) == (2, 1, 64)
    assert (TrainConfig().beta, TrainConfig().seed) == (0.1, 42)
