"""A model that is to be compressed, the data that says what that costs, and how it is measured."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch

from bertkit.compression.model_maker import ModelMaker
from bertkit.compression.pace import Pace, paces
from bertkit.config.batch_tokens import batch_tokens
from bertkit.config.compressing import CompressConfig
from bertkit.config.evaluation import EvaluateConfig
from bertkit.evaluation.held_out import LOWER_IS_BETTER
from bertkit.evaluation.scored_predictions import ScoredAnswers
from bertkit.inference.backends import open_backend
from bertkit.labelled.examples import Example
from bertkit.metrics.intervals import comparisons_of
from bertkit.metrics.task_scores import Scores
from bertkit.pretrained.checkpoint import Pretrained
from bertkit.tasks.catalogue import find_spec
from bertkit.tasks.contract import Task
from bertkit.tokenization.windows import LongText
from bertkit.workflows.compression import MeasuredLoss
from bertkit.workflows.labelled_data import Notes, name_of_data
from bertkit.workflows.observer import Observer
from bertkit.workflows.scoring import examples_of, scored_by

if TYPE_CHECKING:
    from bertkit.inference.model import Model

TIMED_ROWS = 100


@dataclass(frozen=True)
class Subject:
    """A model and the data that it is measured on.

    Attributes:
        plain: as it is: in float32 on the CPU, or as it answers where nothing is said.
        scored: its answers to all examples.
    """

    config: CompressConfig
    source: Pretrained
    answering: ModelMaker
    examples: Sequence[Example]
    plain: Model
    scored: ScoredAnswers
    observer: Observer

    @property
    def data(self) -> str:
        """What it is measured on, in words."""
        assert self.config.data is not None
        return f"{len(self.examples):,} examples of {name_of_data(self.config.data)}"

    @property
    def metric(self) -> str:
        """The one of the task's metrics that a loss is of."""
        spec, metrics = find_spec(self.plain.task.name), self.scored.scores.metrics
        named = (spec.best_by.get(self.scored.problem), "spearmanr")
        return next((name for name in named if name in metrics), next(iter(metrics)))

    @property
    def factor(self) -> float:
        """From a fall of the metric to points.

        Points are of the 100 that a share has; of an error or a loss, which have no most, they are per cent of it.
        """
        if self.metric in LOWER_IS_BETTER:
            return -100.0 / max(abs(self.scored.scores.metrics[self.metric]), 1e-12)
        return 100.0 / find_spec(self.plain.task.name).best

    def loss_to(self, after: Scores) -> MeasuredLoss:
        """What other answers to the same examples are worse."""
        before, metric = self.scored.scores, self.metric
        compared = None
        if before.at is not None and after.at is not None:
            compared = comparisons_of(before.at, after.at, len(self.examples))[metric]
        return MeasuredLoss.of(metric, before.metrics[metric], after.metrics[metric], self.factor, compared)


def opened(
    config: CompressConfig, source: Pretrained, notes: Notes, observer: Observer, *, as_it_answers: bool = False
) -> Subject:
    """The model, its answers, and the examples.

    Args:
        as_it_answers: in the precision and on the device that answers are computed in where nothing is said.

    Raises:
        UserError, InputError: as `evaluate`.
    """
    tokenizer = source.load_tokenizer()
    task = source.build_task(config.task, tokenizer)
    asked = asked_of(config, task)
    examples = examples_of(asked, task.name, notes.note)
    answering = ModelMaker(task, tokenizer, LongText(config.long))
    if as_it_answers:
        backend = open_backend(source, task)
        plain = answering.around(source, backend, batch_tokens("answer", backend.device.partition(":")[0]))
    else:
        plain = answering.model(source, torch.float32)
    return Subject(config, source, answering, examples, plain, scored_by(plain, asked, examples, observer), observer)


def asked_of(config: CompressConfig, task: Task) -> EvaluateConfig:
    """The evaluation that measures it."""
    assert config.data is not None
    return EvaluateConfig(
        data=config.data,
        model=config.model,
        task=task.name,
        problem=config.problem,
        format=config.format,
        columns=config.columns,
        bad_answers=config.bad_answers,
    )


def pace_of(subject: Subject, model: Model, clock: Callable[[], float] = time.perf_counter) -> tuple[Pace, ...]:
    """How fast both are; of fill-mask, whose examples have no masks, nothing."""
    if find_spec(model.task.name).model_scorer is not None:
        return ()
    rows = [example.row for example in spread(subject.examples, TIMED_ROWS)]
    return tuple(paces([subject.plain, model], rows, clock))


def loss_of(subject: Subject, model: Model) -> MeasuredLoss:
    """What a model answers worse than the one that it is made of, by the task's own metric."""
    scored = scored_by(model, asked_of(subject.config, model.task), subject.examples, subject.observer)
    return subject.loss_to(scored.scores)


def spread(examples: Sequence[Example], most: int) -> list[Example]:
    """At most so many of the examples, from beginning to end."""
    step = max(1, len(examples) // most)
    return list(examples[::step][:most])
