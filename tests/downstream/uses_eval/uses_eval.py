"""How far apart are two clouds of points?"""

import numpy as np
from activa_eval import energy_distance, mmd, wasserstein

rng = np.random.default_rng(0)
here, there = rng.normal(size=(50, 3)), rng.normal([3.0, 0.0, 0.0], size=(50, 3))
ed, w1, root_mmd = (f(here, there) for f in (energy_distance, wasserstein, mmd))
print(f"energy distance {ed:.3f}, W1 {w1:.3f}, MMD {root_mmd:.3f}")
assert ed / 2 <= w1 < 3.5
assert 0.5 < root_mmd <= 2**0.5
