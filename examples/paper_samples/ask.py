"""Draw what the paper's models predict over what is true, a line of panels a data set."""

import sys
from pathlib import Path

from activa_cli.experiments import EXPERIMENTS
from activa_cli.samples import draw_samples
from activa_core import Activa
from activa_core.predict import shipped_models

there = shipped_models()
models = {
    row: Activa.from_pretrained(experiment.model)
    for row, experiment in EXPERIMENTS.items()
    if experiment.model in there
}
out = Path(sys.argv[1] if len(sys.argv) > 1 else "runs/paper_samples.png")
out.parent.mkdir(parents=True, exist_ok=True)
draw_samples(models, out, draws=50, seed=0)
print(f"drew {', '.join(models)} into {out}")
