"""Training that is stopped, killed or out of disk space goes on where it was, to the same model."""

import os
import resource
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from safetensors.numpy import load_file

# a checkpoint a step, so that a run can be caught at any step
RECIPE = """
name: small
data: {simulator: gauss-2, n_samples: 12, validation_models: 4}
model: {embed_dim: 8, hidden_dim: 8, decoder_blocks: 1, latent_dim: 2, dropout: 0.1}
training: {steps: 40, batch_size: 4, warmup_steps: 2, checkpoint_every: 1, validation_draws: 2}
"""


@pytest.fixture
def recipe(tmp_path: Path) -> Path:
    path = tmp_path / "small.yaml"
    path.write_text(RECIPE)
    return path


def test_a_killed_training_ends_with_the_weights_of_an_uninterrupted_one(
    recipe: Path, tmp_path: Path
) -> None:
    whole, broken = tmp_path / "whole", tmp_path / "broken"
    finish(train(recipe, whole), exit_code=0)
    interrupt(train(recipe, broken), broken, 0.1, signal.SIGKILL)
    finish(train(recipe, broken), exit_code=0)
    one, other = load_file(whole / "model.safetensors"), load_file(broken / "model.safetensors")
    assert one.keys() == other.keys()
    assert all((one[name] == other[name]).all() for name in one)


def test_a_full_disk_is_one_sentence_and_leaves_the_last_checkpoint(
    recipe: Path, tmp_path: Path
) -> None:
    out = tmp_path / "run"
    stopped = interrupt(train(recipe, out), out, 0.1, signal.SIGTERM)
    assert "saved at step" in stopped
    before = (out / "training.safetensors").read_bytes()
    stderr = finish(train(recipe, out, file_size=len(before) // 2), exit_code=2)
    said = [line for line in stderr.splitlines() if line.startswith("activa: ")]
    assert len(said) == 1
    assert "training.safetensors" in said[0]
    assert "Traceback" not in stderr
    assert (out / "training.safetensors").read_bytes() == before
    assert not list(out.glob(".*"))  # nothing half-written is left behind


def train(recipe: Path, out: Path, *, file_size: int | None = None) -> subprocess.Popen[str]:
    """Start a training, if asked on a disk where no file can grow beyond a size."""

    def limit() -> None:
        if file_size is not None:
            resource.setrlimit(resource.RLIMIT_FSIZE, (file_size, file_size))

    command = [str(Path(sys.executable).with_name("activa")), "train", str(recipe)]
    return subprocess.Popen(
        [*command, "--out", str(out)],
        env=os.environ | {"PYTHONDONTWRITEBYTECODE": "1"},
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=limit,  # noqa: PLW1509 - this process has one thread
    )


def interrupt(process: subprocess.Popen[str], out: Path, wait: float, number: int) -> str:
    """Send a signal some time after a checkpoint of this process has come, and return stderr."""
    checkpoint = out / "training.safetensors"
    before = checkpoint.stat().st_mtime_ns if checkpoint.exists() else 0
    while not (checkpoint.exists() and checkpoint.stat().st_mtime_ns > before):
        assert process.poll() is None
        time.sleep(0.01)
    time.sleep(wait)
    assert process.poll() is None  # else it was not interrupted
    process.send_signal(number)
    return process.communicate(timeout=100)[1]


def finish(process: subprocess.Popen[str], *, exit_code: int) -> str:
    """Wait for a process to end in this way, and return its stderr."""
    stderr = process.communicate(timeout=100)[1]
    assert process.returncode == exit_code, stderr
    return stderr
