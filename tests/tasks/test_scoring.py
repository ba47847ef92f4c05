from __future__ import annotations

import numpy as np

from bertkit.tasks.scoring import best_first, sigmoid, softmax


def test_scores() -> None:
    assert [(one.index, one.score) for one in best_first(np.array([0.5, 2.0, 0.5]))] == [(1, 2.0), (0, 0.5), (2, 0.5)]
    with np.errstate(over="raise"):
        np.testing.assert_allclose(sigmoid(np.array([-1e4, 0.0, 1e4])), [0, 0.5, 1])
        np.testing.assert_allclose(softmax(np.array([1e4, 0.0])), [1, 0])
