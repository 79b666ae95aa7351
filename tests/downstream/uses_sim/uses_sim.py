"""How often does an intervention on one of two variables move the other?"""

from activa_sim import simulator

batch = simulator("gauss-2").sample(2000, 40, seed=1)
assert batch.graphs is not None  # a simulator knows them; a batch of real data has none
share = 1 - batch.graphs.sum(axis=(1, 2)).mean() / 2
print(f"{share:.1%} of queries have no effect")
assert 0.72 < share < 0.77  # 74.5 % by the law of the graphs
