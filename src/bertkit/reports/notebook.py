"""Small tables for a notebook's cell: no style of their own, nothing from elsewhere."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from html import escape

from bertkit.metrics.intervals import Interval
from bertkit.reports.page import table


def small_table(caption: str, header: Sequence[str], rows: Iterable[Sequence[str]], notes: Sequence[str] = ()) -> str:
    """A table below its caption; every text is escaped.

    Args:
        notes: a line each, below it.
    """
    lines = "".join(f"<div>{escape(note)}</div>" for note in notes)
    return f"<div>{escape(caption)}</div>{table(header, rows)}{lines}"


def metrics_table(
    caption: str, metrics: Mapping[str, float], intervals: Mapping[str, Interval], notes: Sequence[str] = ()
) -> str:
    """Metrics, each with its 95 % interval where it has one."""
    rows = []
    for name, value in metrics.items():
        one = intervals.get(name)
        rows.append((name, f"{value:.4f}", "" if one is None else f"{one.low:.4f} to {one.high:.4f}"))
    return small_table(caption, ("metric", "value", "95 % interval"), rows, notes)
