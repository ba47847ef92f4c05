"""All that is known of a model's, or anyone's, answers to labelled examples: facts for programs and for a page."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field

from bertkit.errors import InputError
from bertkit.families.labels import Problem
from bertkit.labelled.examples import Example
from bertkit.metrics.calibrating import Calibrated, calibrated, decisions_of
from bertkit.metrics.classification_scores import Confusion
from bertkit.metrics.confusions import confusion_of
from bertkit.metrics.entity_faults import Fault
from bertkit.metrics.error_analysis import AnalysedExample, what_errors_are
from bertkit.metrics.intervals import Comparison, Interval
from bertkit.metrics.label_counts import Counts
from bertkit.metrics.lengths import Lengths, by_length
from bertkit.metrics.results import Prediction
from bertkit.reports.beside import Beside
from bertkit.reports.measured import Measured
from bertkit.tasks.catalogue import find_spec

MISTAKES = 20


@dataclass(frozen=True, slots=True)
class Report:
    """The facts.

    Attributes:
        subject: what was measured, and on what, in words.
        each_label: whether any number of labels of an example may be right.
        mistakes: the worst ones, the worst first, and of how many in all.
        errors: what the error by length is, in words.
        calibration: None where answers have no probabilities, or `uncalibrated` says why there is none.
        abstained: share of the examples whose record says that the model had rather not answered, and the share of
            right ones among the others; None where records say nothing of it.
        against: what the other answers were, in words.
        beside: what simpler models reached where this one was trained; None where nothing is known of it.
        faults: how many entities are wrong in which way; empty of other answers.
    """

    subject: str
    task: str
    examples: int
    metrics: Mapping[str, float]
    intervals: Mapping[str, Interval]
    counts: Mapping[str, Counts]
    each_label: bool
    confusion: Confusion | None
    mistakes: Sequence[AnalysedExample]
    wrong: int
    lengths: Lengths
    errors: str
    calibration: Calibrated | None
    uncalibrated: str
    abstained: tuple[float, float | None] | None
    comparison: Mapping[str, Comparison]
    against: str | None
    beside: Beside | None = None
    faults: Mapping[Fault, int] = field(default_factory=dict)

    def record(self) -> dict[str, object]:
        """The facts as JSON values."""
        facts: dict[str, object] = {
            **measured(self.metrics, self.intervals, self.comparison),
            "examples": self.examples,
            "labels": {label: self._counts(one) for label, one in self.counts.items()},
            "mistakes": [one.record() for one in self.mistakes],
            "wrong": self.wrong,
            "lengths": {**asdict(self.lengths), "error": self.errors},
        }
        if self.confusion is not None:
            facts["confusion"] = {"labels": self.confusion.labels, "counts": self.confusion.counts_CC.tolist()}
        if self.calibration is not None:
            facts["calibration"] = asdict(self.calibration)
        if self.faults:
            facts["entity_errors"] = dict(self.faults)
        if self.beside is not None:
            facts["baselines"] = asdict(self.beside)
        if self.abstained is not None:
            facts["abstained"] = dict(zip(("share", "accuracy_of_the_others"), self.abstained, strict=True))
        return facts

    def _counts(self, one: Counts) -> dict[str, object]:
        facts: dict[str, object] = {"precision": one.precision, "recall": one.recall, "f1": one.f1}
        facts |= {"tp": one.correct, "fp": one.predicted - one.correct, "fn": one.gold - one.correct}
        return facts | ({"tn": one.neither(self.examples)} if self.each_label else {})


def measured(
    metrics: Mapping[str, float], intervals: Mapping[str, Interval], comparison: Mapping[str, Comparison]
) -> dict[str, object]:
    """Metrics with their intervals, and beside another's, as JSON values."""
    facts: dict[str, object] = {
        "metrics": dict(metrics),
        "intervals": {name: {"low": one.low, "high": one.high} for name, one in intervals.items()},
    }
    return facts | ({"comparison": {name: asdict(one) for name, one in comparison.items()}} if comparison else {})


def make_report(found: Measured) -> Report:
    """Gathers the facts of answers that were scored."""
    task, problem, examples = found.task, found.problem, found.examples
    records: Sequence[Prediction] = () if isinstance(found.answers, Mapping) else found.answers
    calibration, uncalibrated = _calibrated(problem, records, examples) if find_spec(task).is_posed else (None, "")
    return Report(
        subject=found.subject,
        task=task,
        examples=len(examples),
        metrics=found.scores.metrics,
        intervals=found.intervals,
        counts=found.scores.counts,
        each_label=problem == "multi-label",
        confusion=confusion_of(task, problem, records, examples) if records else None,
        mistakes=found.errors[:MISTAKES],
        wrong=len(found.errors),
        lengths=by_length(found.analysed),
        errors=what_errors_are(task, problem),
        calibration=calibration,
        uncalibrated=uncalibrated,
        abstained=_abstained(records, found.analysed),
        comparison=found.comparison,
        against=found.against,
        beside=found.beside,
        faults=Counter(fault for one in found.errors if one.marks is not None for fault in one.marks.faults),
    )


def _calibrated(
    problem: Problem | None, records: Sequence[Prediction], examples: Sequence[Example]
) -> tuple[Calibrated | None, str]:
    """How sure the answers are, or why that cannot be said."""
    if problem is None or problem == "regression":
        return None, ""
    try:
        return calibrated(decisions_of(problem, records, examples)), ""
    except InputError as error:
        return None, error.what


def _abstained(records: Sequence[Prediction], analysed: Sequence[AnalysedExample]) -> tuple[float, float | None] | None:
    if not records or not all(isinstance(one.record.get("abstained"), bool) for one in records):
        return None
    answered = [one for one, result in zip(analysed, records, strict=True) if not result.record["abstained"]]
    right = sum(one.error == 0 for one in answered)
    return 1 - len(answered) / len(analysed), right / len(answered) if answered else None
