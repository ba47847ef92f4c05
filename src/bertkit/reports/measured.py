"""What was measured, and what follows from it: intervals, comparisons, mistakes. Torch-free."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from bertkit.families.labels import Problem
from bertkit.labelled.examples import Example
from bertkit.metrics.error_analysis import AnalysedExample, analyse_answers, analyse_records, worst
from bertkit.metrics.intervals import Comparison, Interval, comparisons_of, intervals_of
from bertkit.metrics.results import Predictions
from bertkit.metrics.task_scores import Scores, problem_of
from bertkit.reports.beside import Beside
from bertkit.tasks.catalogue import find_spec


@dataclass(frozen=True)
class Measured:
    """Answers to examples, and their scores.

    Attributes:
        subject: whose answers, to what, in words.
        posed: the problem of a classification, where it is said; else the examples say.
        other: the scores that these are compared with, those of the answers called `against`.
        beside: what simpler models reached where the model was trained.
    """

    subject: str
    task: str
    posed: Problem | None
    answers: Predictions
    examples: Sequence[Example]
    scores: Scores
    other: Scores | None = None
    against: str | None = None
    beside: Beside | None = None

    @property
    def problem(self) -> Problem | None:
        """Of a classification, which."""
        return self.posed or problem_of(self.examples) if find_spec(self.task).is_posed else self.posed

    @cached_property
    def intervals(self) -> Mapping[str, Interval]:
        """Of each metric; empty where the examples cannot be resampled."""
        at = self.scores.at
        return {} if at is None else intervals_of(at, len(self.examples))

    @cached_property
    def comparison(self) -> Mapping[str, Comparison]:
        """Of each metric that both have; empty where nothing is compared."""
        ours, theirs = self.scores.at, None if self.other is None else self.other.at
        return {} if ours is None or theirs is None else comparisons_of(ours, theirs, len(self.examples))

    @cached_property
    def analysed(self) -> Sequence[AnalysedExample]:
        """Every example beside its answer."""
        if isinstance(self.answers, Mapping):
            return analyse_answers(self.answers, self.examples)
        return analyse_records(self.task, self.problem, self.answers, self.examples)

    @cached_property
    def errors(self) -> Sequence[AnalysedExample]:
        """The mistakes, the worst first."""
        return worst(self.analysed, len(self.analysed))
