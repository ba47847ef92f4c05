"""A model's answers to labelled examples, scored."""

from __future__ import annotations

from collections.abc import Sequence

from bertkit.evaluation.masked_text import score_text
from bertkit.evaluation.predicted_records import predicted_records
from bertkit.evaluation.scored_predictions import ENTITIES, Scored
from bertkit.families.labels import Problem
from bertkit.inference.model import Model
from bertkit.labelled.examples import Example
from bertkit.metrics.task_scores import check_types, score_results
from bertkit.metrics.word_tags import in_iob2, types_of
from bertkit.tasks.text_classification import TextClassification

MASKS = "fill-mask"  # scored on plain text, by masks that are made here


def scored_model(model: Model, problem: Problem | None, examples: Sequence[Example]) -> Scored:
    """The answers of a model that is loaded for the examples' task.

    Raises:
        UserError, InputError: the task has no scores, an example cannot be read, or none of its labels is the model's.
    """
    task = model.task
    if task.name == MASKS:
        return Scored([], score_text(model, examples), examples)
    answers = predicted_records(model, examples)
    examples = in_iob2(examples, task.labels)
    if task.name == ENTITIES:
        check_types(examples, types_of(task.labels))
    answers_for = task.problem if isinstance(task, TextClassification) else None
    return Scored(answers, score_results(task.name, problem, answers, examples), examples, answers_for)
