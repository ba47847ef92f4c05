"""How each task is learnt, by its name."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from bertkit.errors import UserError, near_match
from bertkit.tasks.contract import Task
from bertkit.tasks.label_learning import LabelLearning
from bertkit.tasks.learning import Learning
from bertkit.tasks.question_answering import QuestionAnswering
from bertkit.tasks.span_learning import SpanLearning
from bertkit.tasks.tag_learning import TagLearning
from bertkit.tasks.text_classification import TextClassification
from bertkit.tasks.token_classification import TokenClassification


@dataclass(frozen=True, slots=True)
class LearningOptions:
    """What may be chosen about learning; a task reads its own.

    Attributes:
        class_weights: by label, what an example of it counts.
        smoothing: share of the probability that is spread over all labels.
    """

    class_weights: Mapping[str, float] | None = None
    smoothing: float = 0.0


def _labels(task: Task, options: LearningOptions) -> Learning:
    assert isinstance(task, TextClassification)
    return LabelLearning(task.labels, task.problem, options.class_weights, options.smoothing)


LEARNINGS: Mapping[str, Callable[[Task, LearningOptions], Learning]] = {
    TextClassification.name: _labels,
    TokenClassification.name: lambda task, options: TagLearning(task.labels),
    QuestionAnswering.name: lambda task, options: SpanLearning(),
}


def check_learnt(name: str) -> None:
    """Refuse a task that cannot be fine-tuned.

    Raises:
        UserError: naming the nearest one that can.
    """
    if name not in LEARNINGS:
        raise UserError(
            f"{name!r} cannot be fine-tuned{near_match(name, LEARNINGS)}", f"Choose one of {', '.join(LEARNINGS)}."
        )
