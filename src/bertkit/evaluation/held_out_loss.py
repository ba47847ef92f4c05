"""The training loss on held-out samples, for where there are no right answers to compare with."""

from __future__ import annotations

from collections.abc import Mapping

from bertkit.evaluation.held_out import as_score, best_possible
from bertkit.metrics.task_scores import Scores
from bertkit.training.evaluation import LossEvaluator, Measures
from bertkit.training.parallelism import Parallelism
from bertkit.training.training_module import TrainingModule


class HeldOutLossEvaluator:
    """Measures a model by a `LossEvaluator`.

    Args:
        names: what the evaluation's measures are called, those to leave out left out; the first is the score.
        best_by: the measure that the score is; the first of the names where None.
    """

    def __init__(self, evaluation: LossEvaluator, names: Mapping[str, str], best_by: str | None = None) -> None:
        self._evaluation = evaluation
        self._names = names
        self.best_by = best_by or next(iter(names.values()))
        self.best_possible = best_possible(self.best_by)
        self.scores: Scores | None = None

    def measure(self, training_module: TrainingModule, parallelism: Parallelism) -> Measures:
        """The measures. The ranks share the samples."""
        found = self._evaluation.measure(training_module, parallelism)
        self.scores = Scores({ours: found[theirs] for theirs, ours in self._names.items() if theirs in found})
        return dict(self.scores.metrics)

    def score(self, measures: Measures) -> float:
        """The measure, so that lower is better.

        Raises:
            UserError: there is no such measure.
        """
        return as_score(measures, self.best_by)
