import errno
import os
from pathlib import Path

import pytest
import torch
from activa_core import checkpoint
from activa_core.checkpoint import ModelCard, TrainingState
from activa_core.config import ModelConfig, TrainConfig
from activa_core.errors import CheckpointError
from activa_core.model import CVAE
from safetensors.torch import save_file


@pytest.fixture
def saved(small: ModelConfig, tmp_path: Path) -> Path:
    path = tmp_path / "model.safetensors"
    checkpoint.save(path, CVAE(small), ModelCard(name="small", metrics={"held_out_nll": 1.5}))
    return path


def test_a_model_comes_back_as_it_was(small: ModelConfig, tmp_path: Path) -> None:
    model = CVAE(small)
    checkpoint.save(tmp_path / "m.safetensors", model, ModelCard(name="small", steps=7))
    loaded, card = checkpoint.load(tmp_path / "m.safetensors")
    assert (loaded.config, card.name, card.steps) == (small, "small", 7)
    assert not loaded.training
    for name, value in model.state_dict().items():
        assert torch.equal(loaded.state_dict()[name], value), name


def test_the_card_is_read_without_the_weights(
    saved: Path, small: ModelConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(checkpoint, "_tensors", None)
    config, card = checkpoint.read_card(saved)
    assert (config, card.name, card.metrics) == (small, "small", {"held_out_nll": 1.5})


def test_truncated_foreign_and_missing_files_are_named(saved: Path, tmp_path: Path) -> None:
    content = saved.read_bytes()
    foreign = tmp_path / "foreign.safetensors"
    save_file({"weight": torch.zeros(2)}, foreign)
    for read in (checkpoint.load, checkpoint.read_card):
        for size in (0, 7, 100, len(content) - 1):
            saved.write_bytes(content[:size])
            with pytest.raises(CheckpointError, match="is damaged or not a checkpoint"):
                read(saved)
        with pytest.raises(CheckpointError, match="something else than an activa model"):
            read(foreign)
        with pytest.raises(CheckpointError, match="there is no checkpoint"):
            read(tmp_path / "missing.safetensors")


def test_weights_of_another_shape_are_refused(small: ModelConfig, tmp_path: Path) -> None:
    path = tmp_path / "wrong.safetensors"
    wider = CVAE(small.model_copy(update={"hidden_dim": 20}))
    header = {"config": small.model_dump_json(), "card": ModelCard().model_dump_json()}
    save_file(dict(wider.state_dict()), path, {"format": "activa-model", **header})
    with pytest.raises(CheckpointError, match="incompatible version"):
        checkpoint.load(path)


def test_a_disk_that_fills_up_keeps_the_checkpoint_before(
    saved: Path, small: ModelConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = saved.read_bytes()

    def full(_file: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(CheckpointError, match="No space left on device; what stood there before"):
        checkpoint.save(saved, CVAE(small), ModelCard())
    assert saved.read_bytes() == before
    assert list(saved.parent.iterdir()) == [saved]


def test_a_run_goes_on_only_with_its_own_configuration(small: ModelConfig, tmp_path: Path) -> None:
    path, config = tmp_path / "training.safetensors", TrainConfig()
    state = TrainingState(3, 24, 1.25, {"w": torch.ones(2)}, {"0.exp_avg": torch.zeros(2)}, "small")
    checkpoint.save_training(path, state, small, config)
    back = checkpoint.load_training(path, small, config)
    assert (back.step, back.models_seen, back.seconds, back.origin) == (3, 24, 1.25, "small")
    assert torch.equal(back.weights["w"], torch.ones(2))
    assert list(back.optimizer) == ["0.exp_avg"]
    with pytest.raises(CheckpointError, match=r"another training configuration \(beta, seed"):
        checkpoint.load_training(path, small, TrainConfig(beta=0.2, seed=7))
    with pytest.raises(CheckpointError, match=r"another model configuration \(latent_dim"):
        checkpoint.load_training(path, small.model_copy(update={"latent_dim": 9}), config)
