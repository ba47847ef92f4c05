"""Answers that were scored, whoever made them, and what follows from the scores."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from bertkit.errors import UserError

if TYPE_CHECKING:
    from bertkit.families.labels import Problem
    from bertkit.labelled.examples import Example
    from bertkit.metrics.intervals import Comparison, Interval
    from bertkit.metrics.task_scores import Scores
    from bertkit.reports.beside import Beside
    from bertkit.reports.report import Answers, Report

ANSWERS = "question-answering"
ENTITIES = "token-classification"
MASKS = "fill-mask"  # scored on plain text, by masks that are made here


@dataclass(frozen=True, slots=True)
class Scored:
    """Answers and their scores.

    Attributes:
        examples: that were answered, tags of words in IOB2.
        problem: that a classifier of texts answers for; None where a file does not say, and of other tasks.
    """

    answers: Answers
    scores: Scores
    examples: Sequence[Example]
    problem: Problem | None = None


@dataclass(frozen=True)
class Measured:
    """What was measured.

    Attributes:
        subject: whose answers, to what, in words.
        other: the answers that they are compared with, called `against`.
        beside: what simpler models reached where the model was trained.
    """

    subject: str
    task: str
    problem: Problem | None
    examples: Sequence[Example]
    found: Scored
    other: Scored | None
    against: str | None
    beside: Beside | None = None

    @cached_property
    def intervals(self) -> Mapping[str, Interval]:
        """Of each metric; empty where the examples cannot be resampled."""
        from bertkit.metrics.intervals import intervals_of

        at = self.found.scores.at
        return {} if at is None else intervals_of(at, len(self.examples))

    @cached_property
    def comparison(self) -> Mapping[str, Comparison]:
        """Of each metric that both have; empty where nothing is compared."""
        from bertkit.metrics.intervals import comparisons_of

        ours, theirs = self.found.scores.at, None if self.other is None else self.other.scores.at
        return {} if ours is None or theirs is None else comparisons_of(ours, theirs, len(self.examples))

    def page(self) -> str:
        """The report as HTML."""
        from bertkit.reports.report_page import report_page

        return report_page(self._report)

    def record(self, *, whole: bool) -> dict[str, object]:
        """The measures as JSON values; with `whole` all that the report has."""
        from bertkit.reports.report import measured

        if whole:
            return self._report.record()
        return measured(self.found.scores.metrics, self.intervals, self.comparison)

    @cached_property
    def _report(self) -> Report:
        from bertkit.reports.report import make_report

        return make_report(
            self.subject,
            self.task,
            self.problem,
            self.found.answers,
            self.examples,
            self.found.scores,
            self.intervals,
            self.comparison,
            self.against,
            self.beside,
        )


def scored_model(
    task: str,
    problem: Problem | None,
    data: str,
    examples: Sequence[Example],
    model: str | None,
    uncalibrated: bool,
    **settings: str,
) -> Scored:
    """A model's answers.

    Args:
        data: the file of the examples.
        uncalibrated: without the temperature that the model may have already.
    """
    from bertkit.cli.calibrate import say_if_fitted_on
    from bertkit.cli.models import model_folder
    from bertkit.evaluation.answers_of import answers_of
    from bertkit.inference.model import load
    from bertkit.metrics.task_scores import check_types, score_results
    from bertkit.metrics.word_tags import in_iob2, types_of
    from bertkit.tasks.text_classification import TextClassification

    plain = {"temperature": 1.0, "abstain_below": None} if uncalibrated else {}
    loaded = load(model, task=task, **plain, **settings)  # type: ignore[call-overload]
    if not uncalibrated:
        say_if_fitted_on(model_folder(model, None), data)
    if task == MASKS:
        from bertkit.evaluation.masked_text import score_text

        return Scored([], score_text(loaded, examples), examples)
    answers = answers_of(loaded.answerer, examples)
    examples = in_iob2(examples, loaded.task.labels)
    if task == ENTITIES:
        check_types(examples, types_of(loaded.task.labels))
    answers_for = loaded.task.problem if isinstance(loaded.task, TextClassification) else None
    return Scored(answers, score_results(task, problem, answers, examples), examples, answers_for)


def scored_predictions(
    task: str, problem: Problem | None, path: str, no_answer_scores: str | None, examples: Sequence[Example]
) -> Scored:
    """The answers in a file."""
    from bertkit.cli.predictions import read_answers, read_no_answer_scores, read_records
    from bertkit.metrics.results import entities
    from bertkit.metrics.task_scores import check_types, score_answers, score_results

    found = read_answers(path) if task == ANSWERS and examples else read_records(path)
    if isinstance(found, list):
        if no_answer_scores is not None:
            raise UserError("--no-answer-scores with records, which have their own", "Leave it out.")
        if task == ENTITIES:
            check_types(examples, {entity.label for result in found for entity in entities(result)})
        return Scored(found, score_results(task, problem, found, examples), examples)
    no_answer = None if no_answer_scores is None else read_no_answer_scores(no_answer_scores)
    scores = score_answers(found, examples, no_answer)
    missing = sum(example.id not in found for example in examples)
    if missing:
        print(f"{missing:,} of {len(examples):,} questions have no prediction; each counts 0", file=sys.stderr)
    return Scored(found, scores, examples)
