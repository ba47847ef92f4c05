"""All mistakes as a table beside a report's page, for a spreadsheet or a program. Torch-free."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from pathlib import Path

from bertkit.metrics.error_analysis import AnalysedExample


def mistakes_path(report: str | Path) -> Path:
    """Where the mistakes of a report are: `report.html` has `report.mistakes.csv`."""
    return Path(report).with_suffix(".mistakes.csv")


def mistakes_csv(mistakes: Sequence[AnalysedExample]) -> str:
    """A line for each, the worst first: where it is, what was asked, what is right, what was said, and how wrong."""
    asked = dict.fromkeys(name for one in mistakes for name in one.asked)
    file = io.StringIO()
    writer = csv.DictWriter(file, ["place", *asked, "right", "said", "error", "loss"], lineterminator="\n")
    writer.writeheader()
    writer.writerows(one.record() for one in mistakes)
    return file.getvalue()
