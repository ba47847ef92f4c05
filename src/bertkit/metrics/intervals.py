"""Confidence intervals of a score, over seeds and over examples, and the comparison of two systems."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from bertkit.errors import UserError

Places = npt.NDArray[np.int64]
Numbers = npt.NDArray[np.float64]
Metrics = Callable[[Places], Mapping[str, float]]  # scores, by name, of the examples at places that may come twice
LEVEL = 0.95
RESAMPLES = 1000


@dataclass(frozen=True, slots=True)
class Interval:
    """A score and where it lies with 95 % confidence.

    Attributes:
        value: the mean over seeds, or the score of all examples.
        deviation: standard deviation, over seeds (of a sample, n - 1) or over resamples.
        low, high: the ends of the interval.
    """

    value: float
    deviation: float
    low: float
    high: float


def over_seeds(values: Sequence[float]) -> Interval:
    """Mean, standard deviation and Student's t-interval of the same score with several seeds.

    Raises:
        UserError: fewer than two values, which say nothing of their spread.
    """
    from scipy.special import stdtrit

    if len(values) < 2:
        raise UserError(f"an interval over {len(values)} seeds", "Run at least two seeds; five or more say something.")
    mean, deviation = float(np.mean(values)), float(np.std(values, ddof=1))
    half = float(stdtrit(len(values) - 1, (1 + LEVEL) / 2)) * deviation / np.sqrt(len(values))
    return Interval(mean, deviation, mean - float(half), mean + float(half))


def intervals_of(metrics: Metrics, examples: int, *, resamples: int = RESAMPLES, seed: int = 0) -> dict[str, Interval]:
    """The scores of all examples, each with its percentile interval over resampled ones (Efron 1979).

    A resample that a score is not defined of (NaN: none of its examples has what the score counts) is left out of it.

    Args:
        metrics: any scores, computed anew from each resample.
        examples: how many there are, at least one.
    """
    found = _by_name([metrics(places) for places in _resampled(examples, resamples, seed)])
    return {
        name: Interval(value, float(np.nanstd(found[name], ddof=1)), *_middle(found[name]))
        for name, value in metrics(np.arange(examples)).items()
    }


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two systems on the same examples.

    Attributes:
        difference: the first one's score less the second's, on all examples.
        low, high: the 95 % interval of the difference.
        wins: share of the resamples in which the one that is better on all is better (Koehn 2004).
        p_value: how often resampling alone makes a difference so large, if there is none (Berg-Kirkpatrick et al.
            2012): share of the resamples whose difference is at least twice the one on all examples.
    """

    difference: float
    low: float
    high: float
    wins: float
    p_value: float


def comparisons_of(
    first: Metrics, second: Metrics, examples: int, *, resamples: int = RESAMPLES, seed: int = 0
) -> dict[str, Comparison]:
    """Compares two systems in all scores that both have, by the same resamples of their common examples.

    Args:
        first, second: the scores of each system at the same places.
        examples: how many there are, at least one.
    """

    def differences(places: Places) -> dict[str, float]:
        ours, theirs = first(places), second(places)
        return {name: value - theirs[name] for name, value in ours.items() if name in theirs}

    found = _by_name([differences(places) for places in _resampled(examples, resamples, seed)])
    return {name: _compared(value, found[name]) for name, value in differences(np.arange(examples)).items()}


def _compared(difference: float, found_R: Numbers) -> Comparison:
    found_R = found_R[~np.isnan(found_R)]
    low, high = _middle(found_R)
    towards_R = found_R if difference >= 0 else -found_R
    return Comparison(
        difference=difference,
        low=low,
        high=high,
        wins=float(np.mean(towards_R > 0)),
        p_value=float(np.mean(towards_R >= 2 * abs(difference))),
    )


def _middle(found_R: Numbers) -> tuple[float, float]:
    """The ends of what 95 % of the resamples lie in."""
    low, high = np.nanquantile(found_R, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return float(low), float(high)


def _by_name(found: Sequence[Mapping[str, float]]) -> dict[str, Numbers]:
    return {name: np.array([one[name] for one in found]) for name in found[0]}


def _resampled(examples: int, resamples: int, seed: int) -> Iterator[Places]:
    """As many places as there are examples, drawn with replacement, again and again."""
    random = np.random.default_rng(seed)
    for _ in range(resamples):
        yield random.integers(examples, size=examples)
