"""What there is to know of a task, by names: one entry a task, and the only list that anyone consults.

A part is loaded when it is asked for, so that the list can be read without what reads files, learns or scores.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib import import_module
from typing import Any

from bertkit.errors import UserError
from bertkit.tasks.contract import Task

# The name of a thing, `package.module:attribute`, or the thing itself.
Part = Any


@dataclass(frozen=True, slots=True)
class TaskSpec:
    """One task. Parts that are None are what cannot be done with it.

    Attributes:
        name: the hub's name.
        kind: the `Task`: what it reads from a row, and what it answers.
        rows: the `RowFormat` of its labelled data, in `labelled/`.
        objective: how it is learnt, in `objectives/`: a function of a task and of `TrainingOptions`.
        blank: what stands where nobody has given a label, in `objectives/`: it can then be learnt from a teacher.
        evaluator: what measures a network on held-out examples, in `evaluation/`.
        scorer: the scores of answers, in `metrics/`.
        model_scorer: the scores of a model on plain text, in `evaluation/`, where there are no answers to compare.
        errors: the error analysis of each answer, in `metrics/`.
        confusion: what was taken for what, in `metrics/`.
        error: what the mean error is, in words; by problem where there are several.
        best_by: the metric that the best checkpoint is chosen by; by problem where there are several.
        best: what that metric is where nothing is wrong.
        baselines: what simpler models reach, in `evaluation/`.
        metadata: what a model's files say of the task, in `pretrained/`.
        records: fields of a prediction by which it is known to be of this task.
        is_direct: whether a new head may be one linear layer over the encoder's mean or first token.
        is_posed: whether it is posed as one of several problems: single labels, several, or numbers.
        by_id: whether files of predictions may have answers by the ids of examples.
        compares: whether an example is a pair of rows, whose answers are vectors that are compared.
        labelled_as: the task whose labelled data it is measured on, where it learns none of its own.
        model: the built-in model that answers where none is named.
    """

    name: str
    kind: Part
    rows: Part = None
    objective: Part = None
    blank: Part = None
    evaluator: Part = "bertkit.evaluation.held_out:HeldOutEvaluator"
    scorer: Part = None
    model_scorer: Part = None
    errors: Part = None
    confusion: Part = None
    error: Mapping[str | None, str] = field(default_factory=dict)
    best_by: Mapping[str | None, str] = field(default_factory=dict)
    best: float = 1.0
    baselines: Part = None
    metadata: Part = None
    records: tuple[str, ...] = ()
    is_direct: bool = False
    is_posed: bool = False
    by_id: bool = False
    compares: bool = False
    labelled_as: str | None = None
    model: str | None = None

    @property
    def task(self) -> type[Task]:
        """The class of the task."""
        return self.load("kind")  # type: ignore[no-any-return]

    def load(self, part: str) -> Any:
        """A part of the task.

        Raises:
            UserError: the task has none.
        """
        named = getattr(self, part)
        if named is None:
            raise UserError(f"{self.name} {LACKS[part]}", "Choose another task.")
        return loaded(named)


LACKS: Mapping[str, str] = {
    "rows": "has no labelled data",
    "objective": "cannot be fine-tuned",
    "blank": "is not learnt from a teacher",
    "scorer": "has no scores",
    "model_scorer": "is scored by its answers",
    "errors": "has no scores",
    "confusion": "has no answers of a few kinds",
    "baselines": "has no baselines",
    "metadata": "is not written into a model's files",
}


def loaded(named: Part) -> Any:
    """The thing that is called so, or is given itself."""
    if not isinstance(named, str):
        return named
    module, _, attribute = named.partition(":")
    return getattr(import_module(module), attribute)
