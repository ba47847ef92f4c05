from __future__ import annotations

import numpy as np

from bertkit.benchmarking.arrivals import poisson_arrivals


def test_they_come_at_random_at_the_rate() -> None:
    arrivals = poisson_arrivals(50, 400, seed=3)
    gaps = np.diff(arrivals)
    assert arrivals == sorted(arrivals)
    assert 0 < arrivals[0] < arrivals[-1] < 400
    assert abs(len(arrivals) / 400 - 50) < 1.5
    # Of an exponential the deviation is the mean.
    assert abs(gaps.std() / gaps.mean() - 1) < 0.05
    assert poisson_arrivals(50, 400, seed=3) == arrivals != poisson_arrivals(50, 400, seed=4)
