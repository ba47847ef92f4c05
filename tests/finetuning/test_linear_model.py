"""Linear models beside scikit-learn's, which minimises the same."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import sparse
from sklearn.linear_model import LogisticRegression, Ridge

from bertkit.finetuning.linear_model import Array, fit

RANDOM = np.random.default_rng(0)


def unit_rows(count: int, width: int) -> Array:
    """Rows that `fit` has nothing to scale or centre of."""
    x_NW = RANDOM.standard_normal((count, width)).astype(np.float32)
    x_NW -= x_NW.mean(axis=0)
    x_NW /= np.sqrt(np.square(x_NW).sum(axis=1).mean())
    return x_NW


X = unit_rows(300, 7)
CLASS = (X @ RANDOM.standard_normal((7, 3)) + 0.3 * RANDOM.standard_normal((300, 3))).argmax(axis=1)
ONE_HOT = np.eye(3, dtype=np.float32)[CLASS]


def test_one_label() -> None:
    ours = fit(X, ONE_HOT, "softmax", strengths=(10.0,))
    theirs = LogisticRegression(C=10.0, tol=1e-8, max_iter=1_000).fit(X, CLASS)
    np.testing.assert_allclose(ours(X) - ours(X).mean(1, keepdims=True), theirs.decision_function(X), atol=0.02)


def test_weights_of_examples() -> None:
    weight_N = RANDOM.uniform(0.2, 3.0, 300).astype(np.float32)
    strength = 10.0 * float(weight_N.sum()) / 300  # ours counts data by their share, scikit-learn by their sum
    ours = fit(X, ONE_HOT * weight_N[:, None], "softmax", strengths=(10.0,))
    theirs = LogisticRegression(C=10.0 / (strength / 10.0), tol=1e-8, max_iter=1_000)
    theirs.fit(X, CLASS, sample_weight=weight_N)
    np.testing.assert_allclose(ours(X) - ours(X).mean(1, keepdims=True), theirs.decision_function(X), atol=0.02)


def test_several_labels() -> None:
    y_NC = (X @ RANDOM.standard_normal((7, 2)) > 0.2).astype(np.float32)
    ours = fit(X, y_NC, "sigmoid", strengths=(10.0,))
    for place in range(2):
        theirs = LogisticRegression(C=10.0, tol=1e-8, max_iter=1_000).fit(X, y_NC[:, place])
        np.testing.assert_allclose(ours(X)[:, place], theirs.decision_function(X), atol=0.02)


def test_a_number() -> None:
    y_N = X @ RANDOM.standard_normal(7) + 4.0
    ours = fit(X, y_N[:, None].astype(np.float32), "squares", strengths=(10.0,))
    theirs = Ridge(alpha=0.1).fit(X, y_N)
    np.testing.assert_allclose(ours(X)[:, 0], theirs.predict(X), atol=2e-3)


def test_rows_of_any_length_and_middle() -> None:
    plain, moved = fit(X, ONE_HOT, "softmax"), fit(X * 37.0 + 5.0, ONE_HOT, "softmax")
    assert moved.strength == plain.strength
    np.testing.assert_allclose(moved(X * 37.0 + 5.0), plain(X), atol=0.02)


def test_sparse_rows() -> None:
    np.testing.assert_allclose(
        fit(sparse.csr_matrix(X), ONE_HOT, "softmax")(sparse.csr_matrix(X)), fit(X, ONE_HOT, "softmax")(X), atol=0.02
    )


def test_the_strength_is_that_of_held_out_rows() -> None:
    noise = RANDOM.standard_normal((120, 60)).astype(np.float32)
    label = np.eye(2, dtype=np.float32)[RANDOM.integers(0, 2, 120)]
    assert fit(noise, label, "softmax").strength == 1.0, "nothing can be learnt, so the data count least"
    clear = np.eye(2, dtype=np.float32)[(noise[:, 0] > 0).astype(int)]
    assert fit(noise[:, :2], clear, "softmax").strength == 100.0


def test_rows_of_a_group_are_not_divided() -> None:
    """Each row stands four times: of rows divided alone, any strength would look right."""
    rows, label = RANDOM.standard_normal((60, 90)).astype(np.float32), RANDOM.integers(0, 2, 60)
    x_NW, y_NC = np.repeat(rows, 4, axis=0), np.repeat(np.eye(2, dtype=np.float32)[label], 4, axis=0)
    assert fit(x_NW, y_NC, "softmax").strength == 100.0
    assert fit(x_NW, y_NC, "softmax", groups_N=np.repeat(np.arange(60), 4)).strength == 1.0


@pytest.mark.parametrize("count", [3, 2_100])
def test_few_rows_and_many(count: int) -> None:
    x_NW = unit_rows(count, 4)
    y_NC = np.eye(3, dtype=np.float32)[np.arange(count) % 3]
    assert np.isfinite(fit(x_NW, y_NC, "softmax")(x_NW)).all()


def test_the_same_again() -> None:
    np.testing.assert_array_equal(fit(X, ONE_HOT, "softmax", seed=3)(X), fit(X, ONE_HOT, "softmax", seed=3)(X))
