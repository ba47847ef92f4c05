"""What every job that measures begins with: examples of a task that has scores, and a model's answers, scored."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from bertkit.config.evaluation import EvaluateConfig
from bertkit.evaluation.scored_predictions import ScoredAnswers
from bertkit.formats.notes import Note
from bertkit.labelled.examples import Example
from bertkit.tasks.catalogue import find_spec
from bertkit.workflows.labelled_data import labelled_examples
from bertkit.workflows.observer import Observer

if TYPE_CHECKING:
    from bertkit.inference.model import Model


def examples_of(config: EvaluateConfig, task: str, note: Note) -> list[Example]:
    """The labelled examples.

    A task without scores is refused by what scores, before its data, which may have no reader either, is opened.
    """
    spec = find_spec(task)
    scorable = spec.scorer is not None or (spec.model_scorer is not None and config.predictions is None)
    return labelled_examples(config, task, note) if scorable else []


def scored_by(model: Model, config: EvaluateConfig, examples: Sequence[Example], observer: Observer) -> ScoredAnswers:
    """The model's answers, and their scores."""
    from bertkit.evaluation.scored_model import scored_model

    with observer.counting("examples") as tick:
        return scored_model(model, config.problem, examples, tick)
