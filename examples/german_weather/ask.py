"""Ask what each of two interventions would do to the weather stations of Germany."""

from pathlib import Path

import pandas as pd
from activa_core import Activa

stations = pd.read_csv(Path(__file__).with_name("altitude_temperature.csv"))
model = Activa.from_pretrained("general-2")
for do, outcome in (({"altitude": 1000}, "temperature"), ({"temperature": 4}, "altitude")):
    effect = model.intervene(stations, do=do)
    low, high = effect.row_interval(0.9).loc[outcome]
    print(f"{effect}: {outcome} {effect.mean()[outcome]:.1f}, 90 % of rows {low:.1f} to {high:.1f}, "
          f"moves with probability {effect.prob_moves(outcome):.2f}")  # fmt: skip
