"""How often does an intervention on one of two variables move the other?"""

import numpy as np
from activa_sim import simulator

batch = simulator("gauss-2").sample(2000, 40, seed=1)
edges = np.sum(batch.graphs, axis=(1, 2))
share = 1 - edges.mean() / 2
print(f"{share:.1%} of queries have no effect")
assert 0.72 < share < 0.77  # 74.5 % by the law of the graphs
