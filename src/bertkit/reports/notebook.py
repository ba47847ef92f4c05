"""Small tables for a notebook's cell: no style of their own, nothing from elsewhere."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from html import escape

from bertkit.metrics.intervals import Interval


def small_table(caption: str, header: Sequence[str], rows: Iterable[Sequence[str]], notes: Sequence[str] = ()) -> str:
    """A table below its caption; every text is escaped.

    Args:
        notes: a line each, below it.
    """
    head = "".join(f"<th>{escape(cell)}</th>" for cell in header)
    body = "".join(f"<tr>{''.join(f'<td>{escape(cell)}</td>' for cell in row)}</tr>" for row in rows)
    below = "".join(f"<p>{escape(note)}</p>" for note in notes)
    return (
        f"<div><p>{escape(caption)}</p><table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>{below}</div>"
    )


def metrics_table(
    caption: str, metrics: Mapping[str, float], intervals: Mapping[str, Interval], notes: Sequence[str] = ()
) -> str:
    """Metrics, each with its 95 % interval where it has one."""
    rows = []
    for name, value in metrics.items():
        one = intervals.get(name)
        rows.append((name, f"{value:.4f}", "" if one is None else f"{one.low:.4f} to {one.high:.4f}"))
    return small_table(caption, ("metric", "value", "95 % interval"), rows, notes)
