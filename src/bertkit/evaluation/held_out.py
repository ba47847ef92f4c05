"""Held-out examples, answered as a user would have them answered, and scored by the task's own metrics."""

from __future__ import annotations

from collections.abc import Sequence

from bertkit.config.batch_tokens import batch_tokens
from bertkit.errors import UserError, near_match
from bertkit.evaluation.predicted_records import predicted_records
from bertkit.families.labels import Problem
from bertkit.inference.answerer import Answerer
from bertkit.inference.engine import Engine
from bertkit.inference.torch_backend import TorchBackend
from bertkit.labelled.examples import Example
from bertkit.metrics.task_scores import Scores, score_results
from bertkit.metrics.word_tags import in_iob2
from bertkit.model.network import Network
from bertkit.tasks.catalogue import find_spec
from bertkit.tasks.reading import Reader
from bertkit.training.evaluation import Measures, evaluating
from bertkit.training.parallelism import Parallelism
from bertkit.training.training_module import TrainingModule

LOWER_IS_BETTER = frozenset({"mean_squared_error", "loss", "pseudo_perplexity", "divergence"})


class HeldOutEvaluator:
    """Measures a model on examples.

    Args:
        problem: of text-classification.
        best_by: the metric that the score is; the task's own where None.
    """

    def __init__(
        self, reader: Reader, examples: Sequence[Example], problem: Problem | None, best_by: str | None = None
    ) -> None:
        self._reader = reader
        self._examples = in_iob2(examples, reader.task.labels)
        self._problem = problem
        spec = find_spec(reader.task.name)
        self.best_by = best_by or spec.best_by[problem]
        self.best_possible = best_possible(self.best_by, spec.best)
        self.scores: Scores | None = None

    def measure(self, training_module: TrainingModule, parallelism: Parallelism) -> Measures:
        """The task's metrics. Every rank measures all."""
        with evaluating(training_module, parallelism):
            results = predicted_records(answerer_of(training_module, self._reader), self._examples)
        self.scores = score_results(self._reader.task.name, self._problem, results, self._examples)
        return dict(self.scores.metrics)

    def score(self, measures: Measures) -> float:
        """The metric, so that lower is better.

        Raises:
            UserError: there is no such metric.
        """
        return as_score(measures, self.best_by)


def answerer_of(training_module: TrainingModule, reader: Reader) -> Answerer:
    """What answers rows with a network that is being trained, whatever it computes in at this moment."""
    (objective,) = training_module.each()
    network = Network(training_module.encoder, objective.head, reader.task.readout)
    most = batch_tokens("measure", training_module.encoder.embeddings.token.weight.device.type)
    return Answerer(Engine(TorchBackend(network), reader.task, most), reader)


def best_possible(best_by: str, best: float = 1.0) -> float:
    """The score that none is better than, as `as_score` has it: an error of 0, or all right.

    Args:
        best: the metric where all is right.
    """
    return 0.0 if best_by in LOWER_IS_BETTER else -best


def as_score(measures: Measures, best_by: str) -> float:
    """The metric as a score, of which lower is better.

    Raises:
        UserError: there is no such metric.
    """
    if best_by not in measures:
        raise UserError(
            f"train.best_by is {best_by!r}{near_match(best_by, measures)}", f"Choose one of {', '.join(measures)}."
        )
    return measures[best_by] if best_by in LOWER_IS_BETTER else -measures[best_by]
