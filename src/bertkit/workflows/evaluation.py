"""The result of an evaluation: scores, errors and comparisons, for programs, for a page, for a notebook."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from bertkit.checkpoints.folders import atomic_file
from bertkit.errors import UserError
from bertkit.labelled.examples import Example
from bertkit.metrics.error_analysis import AnalysedExample
from bertkit.metrics.intervals import Comparison, Interval
from bertkit.metrics.label_counts import Counts
from bertkit.reports.measured import Measured
from bertkit.reports.mistakes_file import mistakes_csv, mistakes_path
from bertkit.reports.notebook import metrics_table
from bertkit.reports.report import Report, make_report, measured
from bertkit.reports.report_page import report_page
from bertkit.tasks.catalogue import find_spec

SHOWN = 3  # metrics in a line


@dataclass(frozen=True)
class Evaluation:
    """A model's, or anyone's, answers to labelled examples, scored.

    Attributes:
        measured: the answers and all that follows from them.
        data: what they are answers to, in words.
        notes: what a user should know of how it was measured, a line each.
    """

    measured: Measured
    data: str
    notes: Sequence[str] = ()

    @property
    def task(self) -> str:
        """The hub's name of what was scored."""
        return self.measured.task

    @property
    def examples(self) -> Sequence[Example]:
        """That were answered."""
        return self.measured.examples

    @property
    def metrics(self) -> Mapping[str, float]:
        """Name -> value; fractions, SQuAD's `exact_match` and `f1` percentages. Each has its `intervals`."""
        return self.measured.scores.metrics

    @property
    def intervals(self) -> Mapping[str, Interval]:
        """The 95 % interval of each metric, by resampling the examples; empty where they cannot be (fill-mask)."""
        return self.measured.intervals

    @property
    def labels(self) -> Mapping[str, Counts]:
        """Precision, recall and F1 of each label or type of entity, where the task has such."""
        return self.measured.scores.counts

    @property
    def comparison(self) -> Mapping[str, Comparison]:
        """Each metric beside that of the other predictions; empty where none were given."""
        return self.measured.comparison

    @property
    def errors(self) -> Sequence[AnalysedExample]:
        """The mistakes, the worst first: `place`, `asked`, `right`, `said`, `error`, `loss`; empty of fill-mask."""
        return self.measured.errors if find_spec(self.task).errors is not None else ()

    @cached_property
    def report(self) -> Report:
        """All that is known: labels, confusions, calibration, lengths, the worst mistakes.

        Raises:
            UserError: of fill-mask, whose masks are no examples.
        """
        if find_spec(self.task).errors is None:
            raise UserError(f"a report of {self.task}, whose masks are no examples", "Read the metrics.")
        return make_report(self.measured)

    def page(self) -> str:
        """The report as HTML, which needs nothing beside it."""
        return report_page(self.report)

    def save_report(self, path: str | Path) -> None:
        """Writes the page, whole or not at all, and all mistakes beside it: `report.html` and `report.mistakes.csv`.

        Raises:
            UserError: of fill-mask, whose masks are no examples.
            OutputError: it cannot be written.
        """
        page = self.page()
        with atomic_file(Path(path)) as file:
            file.write(page)
        self.save_mistakes(mistakes_path(path))

    def save_mistakes(self, path: str | Path) -> None:
        """Writes all mistakes as CSV, the worst first.

        Raises:
            OutputError: it cannot be written.
        """
        with atomic_file(Path(path)) as file:
            file.write(mistakes_csv(self.errors))

    def record(self, *, whole: bool = False) -> dict[str, object]:
        """The metrics as JSON values; with `whole` all that the report has."""
        return self.report.record() if whole else measured(self.metrics, self.intervals, self.comparison)

    def __repr__(self) -> str:
        """One line: the task, the first metrics, and what they are of."""
        shown = ", ".join(f"{name} {value:.4f}" for name, value in [*self.metrics.items()][:SHOWN])
        return f"<bertkit.Evaluation {self.task}: {shown}; {len(self.examples):,} examples of {self.data}>"

    def _repr_html_(self) -> str:
        """The metrics with their intervals as a small table, for a notebook."""
        caption = f"{self.task}: {self.measured.subject}, {len(self.examples):,} examples"
        return metrics_table(caption, self.metrics, self.intervals, self.notes)
