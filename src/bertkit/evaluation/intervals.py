"""How sure a score is: over seeds, over examples, and against another system."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from bertkit.errors import UserError

Places = npt.NDArray[np.int64]
Metric = Callable[[Places], float]  # the score of the examples at these places, which may come more than once
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


def over_examples(metric: Metric, examples: int, *, resamples: int = RESAMPLES, seed: int = 0) -> Interval:
    """The score of all examples, and its percentile interval over resampled ones (Efron 1979).

    Args:
        metric: any score, computed anew from each resample.
        examples: how many there are, at least one.
    """
    found_R = np.array([metric(places) for places in _resampled(examples, resamples, seed)])
    low, high = np.quantile(found_R, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return Interval(metric(np.arange(examples)), float(found_R.std(ddof=1)), float(low), float(high))


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


def paired_bootstrap(
    first: Metric, second: Metric, examples: int, *, resamples: int = RESAMPLES, seed: int = 0
) -> Comparison:
    """Compares two systems by the same resamples of their common examples.

    Args:
        first, second: the score of each system at the same places.
        examples: how many there are, at least one.
    """
    everything = np.arange(examples)
    difference = first(everything) - second(everything)
    found_R = np.array([first(places) - second(places) for places in _resampled(examples, resamples, seed)])
    low, high = np.quantile(found_R, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    towards_R = found_R if difference >= 0 else -found_R
    return Comparison(
        difference=difference,
        low=float(low),
        high=float(high),
        wins=float(np.mean(towards_R > 0)),
        p_value=float(np.mean(towards_R >= 2 * abs(difference))),
    )


def _resampled(examples: int, resamples: int, seed: int) -> Iterator[Places]:
    """As many places as there are examples, drawn with replacement, again and again."""
    random = np.random.default_rng(seed)
    for _ in range(resamples):
        yield random.integers(examples, size=examples)
