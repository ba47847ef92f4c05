"""Held-out pairs of texts: do their vectors' cosines rank pairs as people do, and do texts find their own second?"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from bertkit.evaluation.held_out import answerer_of, as_score, best_possible
from bertkit.evaluation.predicted_records import predicted_records, vectors_of
from bertkit.families.labels import Problem
from bertkit.inference.answerer import Answerer
from bertkit.labelled.examples import Example
from bertkit.metrics.task_scores import Scores, mean_scores, score_results
from bertkit.tasks.reading import Reader
from bertkit.training.evaluation import Measures, evaluating
from bertkit.training.parallelism import Parallelism
from bertkit.training.training_module import TrainingModule

AT_ONCE = 2**22  # cosines, of as many first texts as that is with all second ones


class HeldOutPairsEvaluator:
    """Measures sentence-embedding on pairs of texts, with or without a score each.

    Args:
        problem: None; it has none.
        best_by: the metric that the score is; the rank correlation, or the mean reciprocal rank, where None.
    """

    def __init__(
        self, reader: Reader, examples: Sequence[Example], problem: Problem | None = None, best_by: str | None = None
    ) -> None:
        self._reader = reader
        self._examples = examples
        self._scored = isinstance(examples[0].target, float)
        self.best_by = best_by or ("spearmanr" if self._scored else "mrr")
        self.best_possible = best_possible(self.best_by)
        self.scores: Scores | None = None

    def measure(self, training_module: TrainingModule, parallelism: Parallelism) -> Measures:
        """Correlation of cosines and scores; without scores the mean reciprocal rank of each text's own second text."""
        with evaluating(training_module, parallelism):
            answerer = answerer_of(training_module, self._reader)
            if self._scored:
                results = predicted_records(answerer, self._examples)
                self.scores = score_results(self._reader.task.name, None, results, self._examples)
            else:
                self.scores = self._found(answerer)
        return dict(self.scores.metrics)

    def score(self, measures: Measures) -> float:
        """The metric, so that lower is better.

        Raises:
            UserError: there is no such metric.
        """
        return as_score(measures, self.best_by)

    def _found(self, answerer: Answerer) -> Scores:
        """How far up each first text's own second text is among all second texts, by cosine."""
        firsts_PW, seconds_PW = (vectors_of(answerer, self._examples, field) for field in ("text", "text_pair"))
        better_P = nearer_than_own(firsts_PW, seconds_PW)
        return mean_scores({"mrr": 1 / (1 + better_P), "accuracy": (better_P == 0).astype(np.float64)})


def nearer_than_own(firsts_PW: npt.NDArray[np.float64], seconds_PW: npt.NDArray[np.float64]) -> npt.NDArray[np.int64]:
    """For each first vector, how many second ones have a larger dot product with it than its own, (P,).

    Never all of them at once: memory does not grow with the square of the pairs.
    """
    pairs = len(firsts_PW)
    better_P = np.empty(pairs, dtype=np.int64)
    at_once = max(1, AT_ONCE // pairs)
    for start in range(0, pairs, at_once):
        some = range(start, min(start + at_once, pairs))
        cosines_SP = firsts_PW[some.start : some.stop] @ seconds_PW.T
        own_S = cosines_SP[np.arange(len(some)), some]
        better_P[some.start : some.stop] = (cosines_SP > own_S[:, None]).sum(axis=1)
    return better_P
