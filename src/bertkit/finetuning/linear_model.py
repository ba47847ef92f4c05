"""Linear models fitted to the end: logistic regression of one label or of several, and ridge regression.

Torch-free. Shapes: `N` rows, `W` features of each, `C` classes.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
from scipy import sparse
from scipy.optimize import minimize
from threadpoolctl import threadpool_limits

from bertkit.families.labels import Fitted

Array = npt.NDArray[np.float32]
Features: TypeAlias = Any  # an `Array`, or a scipy.sparse.csr_matrix
STRENGTHS = (1.0, 10.0, 100.0)  # C of a logistic regression on rows of length 1: how much the data count
FOLDS = 5
MANY = 2_000  # rows from which one fold is measured on instead of all
ENOUGH = 5_000  # rows that are enough to choose a strength by
ITERATIONS = 100
SMALL = 200_000_000  # multiplications of a pass: in fewer, threads wait for one another longer than they work


@dataclass(frozen=True)
class LinearModel:
    """`x @ weight_CW.T + bias_C`, and the strength that was chosen."""

    weight_CW: Array
    bias_C: Array
    strength: float

    def __call__(self, x_NW: Features) -> Array:
        """Its numbers for rows, (N, C): logits, or values."""
        return np.asarray(x_NW @ self.weight_CW.T, np.float32) + self.bias_C


def fit(
    x_NW: Features,
    y_NC: Array,
    loss: Fitted,
    *,
    groups_N: npt.NDArray[np.int64] | None = None,
    strengths: Sequence[float] = STRENGTHS,
    seed: int = 0,
) -> LinearModel:
    """The model of the strength that does best on rows it was not fitted to, fitted to all rows.

    Args:
        y_NC: how much of each class a row has: 0 and 1, numbers, or for `softmax` any weights, of which a row's sum is
            what the row counts.
        groups_N: rows of one number are on one side of every division; each row for itself where None.
    """
    small = x_NW.shape[0] * x_NW.shape[1] * y_NC.shape[1] < SMALL
    with threadpool_limits(1 if small else None, user_api="blas"):
        return _fit(x_NW, y_NC, loss, groups_N, strengths, seed)


def _fit(
    x_NW: Features,
    y_NC: Array,
    loss: Fitted,
    groups_N: npt.NDArray[np.int64] | None,
    strengths: Sequence[float],
    seed: int,
) -> LinearModel:
    scaled = _Scaled.of(x_NW)
    groups_N = np.arange(len(y_NC)) if groups_N is None else groups_N
    strength = strengths[0]
    if len(strengths) > 1:
        strength = _best_strength(scaled.x_NW, y_NC, loss, groups_N, strengths, seed)
    fitted = None
    for weaker in (one for one in sorted(strengths) if one <= strength):  # each begins where the one before it ended
        fitted = _minimise(scaled.x_NW, y_NC, loss, weaker, fitted)
    assert fitted is not None
    return scaled.undone(fitted, strength)


def _best_strength(
    x_NW: Features, y_NC: Array, loss: Fitted, groups_N: npt.NDArray[np.int64], strengths: Sequence[float], seed: int
) -> float:
    """The one of the smallest loss on held-out rows."""
    random = np.random.default_rng(seed)
    if len(y_NC) > ENOUGH:
        order = random.permutation(np.unique(groups_N))
        taken = np.flatnonzero(np.isin(groups_N, order[: max(FOLDS, len(order) * ENOUGH // len(y_NC))]))
        x_NW, y_NC, groups_N = x_NW[taken], y_NC[taken], groups_N[taken]
    sums = dict.fromkeys(sorted(strengths), 0.0)
    for learnt, asked in _folds(groups_N, random):
        fitted = None
        for strength in sums:
            fitted = _minimise(x_NW[learnt], y_NC[learnt], loss, strength, fitted)
            sums[strength] += _loss(_logits(x_NW[asked], fitted), y_NC[asked], loss)[0]
    return min(sums, key=lambda strength: sums[strength])


def _folds(
    groups_N: npt.NDArray[np.int64], random: np.random.Generator
) -> Iterator[tuple[npt.NDArray[np.bool_], npt.NDArray[np.bool_]]]:
    """Rows to fit to, and rows to measure on."""
    names, place_N = np.unique(groups_N, return_inverse=True)
    fold_N = random.permutation(len(names))[place_N] % FOLDS
    for fold in range(1 if len(groups_N) > MANY else FOLDS):
        asked = fold_N == fold
        if asked.any() and not asked.all():
            yield ~asked, asked


def _minimise(x_NW: Features, y_NC: Array, loss: Fitted, strength: float, start: Array | None) -> Array:
    """Weights with the bias as their last row, (W + 1, C), by L-BFGS (Liu and Nocedal 1989)."""
    count, width = x_NW.shape
    shape = (width + 1, y_NC.shape[1])
    total = float(np.abs(y_NC).sum()) if loss == "softmax" else float(count)
    penalty = 1.0 / (strength * count)

    def of(flat: npt.NDArray[np.float64]) -> tuple[float, npt.NDArray[np.float64]]:
        weights = flat.reshape(shape).astype(np.float32)
        value, error_NC = _loss(_logits(x_NW, weights), y_NC, loss)
        gradient = np.empty(shape)
        gradient[:-1] = (x_NW.T @ error_NC) / total + penalty * weights[:-1]
        gradient[-1] = error_NC.sum(axis=0) / total
        return value / total + 0.5 * penalty * float(np.square(weights[:-1], dtype=np.float64).sum()), gradient.ravel()

    begin = np.zeros(shape) if start is None else start.astype(np.float64)
    found = minimize(of, begin.ravel(), jac=True, method="L-BFGS-B", options={"maxiter": ITERATIONS})
    result: Array = np.asarray(found.x, np.float32).reshape(shape)
    return result


def _logits(x_NW: Features, weights: Array) -> Array:
    logits_NC: Array = np.asarray(x_NW @ weights[:-1], np.float32)
    logits_NC += weights[-1]
    return logits_NC


def _loss(logits_NC: Array, y_NC: Array, loss: Fitted) -> tuple[float, Array]:
    """The loss summed over rows, and its gradient by the logits."""
    if loss == "squares":
        error_NC = logits_NC - y_NC
        return 0.5 * float(np.square(error_NC, dtype=np.float64).sum()), error_NC
    if loss == "sigmoid":
        softplus = np.maximum(logits_NC, 0.0) + np.log1p(np.exp(-np.abs(logits_NC)))
        error_NC = np.exp(np.minimum(logits_NC, 0.0)) / (1.0 + np.exp(-np.abs(logits_NC))) - y_NC
        return float((softplus - logits_NC * y_NC).sum(dtype=np.float64)), np.asarray(error_NC, np.float32)
    shifted = logits_NC - logits_NC.max(axis=1, keepdims=True)
    odds = np.exp(shifted)
    sums = odds.sum(axis=1, keepdims=True)
    counts = y_NC.sum(axis=1, keepdims=True)
    return float(((np.log(sums) - shifted) * y_NC).sum(dtype=np.float64)), odds / sums * counts - y_NC


@dataclass(frozen=True)
class _Scaled:
    """Rows whose squared length is 1 in the mean, and, where they are dense, whose mean is 0: fitted in few steps."""

    x_NW: Features
    middle_W: Array
    length: float

    @classmethod
    def of(cls, x_NW: Features) -> _Scaled:
        width = x_NW.shape[1]
        if sparse.issparse(x_NW):
            return cls(x_NW, np.zeros(width, np.float32), 1.0)
        middle_W = x_NW.mean(axis=0, dtype=np.float64).astype(np.float32)
        centred = x_NW - middle_W
        length = float(np.sqrt(np.square(centred, dtype=np.float64).sum(axis=1).mean())) or 1.0
        return cls(centred / np.float32(length), middle_W, length)

    def undone(self, weights: Array, strength: float) -> LinearModel:
        """The same model of the rows as they were."""
        weight_CW = weights[:-1].T / np.float32(self.length)
        return LinearModel(weight_CW, weights[-1] - weight_CW @ self.middle_W, strength)
