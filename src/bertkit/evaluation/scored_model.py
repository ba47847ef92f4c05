"""A model's answers to labelled examples, scored."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from bertkit.evaluation.predicted_records import predicted_records
from bertkit.evaluation.scored_predictions import ScoredAnswers
from bertkit.families.labels import Problem
from bertkit.inference.model import Model
from bertkit.labelled.examples import Example
from bertkit.metrics.task_scores import score_results
from bertkit.metrics.word_tags import in_iob2
from bertkit.tasks.catalogue import find_spec


def scored_model(
    model: Model, problem: Problem | None, examples: Sequence[Example], tick: Callable[[float], None]
) -> ScoredAnswers:
    """The answers of a model that is loaded for the examples' task.

    Args:
        tick: called as examples are answered, with how many more are.

    Raises:
        UserError, InputError: the task has no scores, an example cannot be read, or none of its labels is the model's.
    """
    task, spec = model.task, find_spec(model.task.name)
    if spec.model_scorer is not None:
        return ScoredAnswers([], spec.load("model_scorer")(model, examples), examples)
    answers = predicted_records(model, examples, tick)
    examples = in_iob2(examples, task.labels)
    scores = score_results(task.name, problem, answers, examples, task.labels)
    return ScoredAnswers(answers, scores, examples, getattr(task, "problem", None) if spec.is_posed else None)
