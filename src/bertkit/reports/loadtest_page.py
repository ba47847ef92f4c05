"""One self-contained page of a load test: how many were answered at each rate, and how long they waited."""

from __future__ import annotations

from collections.abc import Sequence

from bertkit.reports.charts import ChartSeries, line_chart
from bertkit.reports.page import page, table

HEADER = ("rate/s", "answered/s", "p50", "p90", "p95", "p99", "max", "refused p95", "sent late p95", "what came back")
SHARES_SHOWN = 200  # points of a curve of percentiles
NOTE = (
    "Milliseconds are counted from when a request was due, whether or not it could be sent then, so that a server that "
    "stalls is seen to. Requests come at random (Poisson), whether or not others are answered."
)


class ShownStep:
    """One rate of a load test, as it is shown.

    Args:
        record: as `LoadStep.record` gives it.
        answered: (when it was due, in seconds; how long it took, in milliseconds) of each that has an answer.
    """

    def __init__(self, record: dict[str, object], answered: Sequence[tuple[float, float]]) -> None:
        self.record = record
        self.answered = answered

    @property
    def name(self) -> str:
        """In a legend."""
        return f"{self.record['rate']:g}/s"

    def cells(self) -> list[str]:
        """As a row of the table."""
        took, refused, late = (self._times(name) for name in ("answered", "refused", "sent_late"))
        counts = ", ".join(f"{count:,} × {status}" for status, count in self._counts("statuses"))  # noqa: RUF001
        checked = ", ".join(f"{count:,} {verdict}" for verdict, count in self._counts("checked"))
        return [
            f"{self.record['rate']:g}",
            f"{self.record['answered_a_second']:.1f}",
            *(_milliseconds(took.get(name)) for name in ("p50", "p90", "p95", "p99", "max")),
            *(_milliseconds(times.get("p95")) for times in (refused, late)),
            f"{counts}; {checked}" if checked else counts,
        ]

    def by_share(self) -> list[tuple[float, float]]:
        """(percent, milliseconds that so many waited at most)."""
        ordered = sorted(milliseconds for _, milliseconds in self.answered)
        shares = range(1, SHARES_SHOWN) if ordered else ()
        return [(100 * one / SHARES_SHOWN, ordered[len(ordered) * one // SHARES_SHOWN]) for one in shares]

    def _times(self, name: str) -> dict[str, float]:
        found = self.record[f"{name}_milliseconds"]
        assert isinstance(found, dict)
        return found

    def _counts(self, name: str) -> list[tuple[str, int]]:
        found = self.record[name]
        assert isinstance(found, dict)
        return list(found.items())


def loadtest_page(title: str, steps: Sequence[ShownStep]) -> str:
    """The page as HTML, which needs no other file and no script.

    Args:
        title: what was asked.
    """
    charts = [
        line_chart(
            [ChartSeries(one.name, one.by_share()) for one in steps], title="Wait by percentile, ms", x_label="%"
        ),
        line_chart(
            [ChartSeries(one.name, one.answered) for one in steps],
            title="Wait over time, ms",
            x_label="second in which it was due",
        ),
    ]
    if len(steps) > 1:
        charts.insert(0, _rates(steps))
    parts = [
        f"<p>{NOTE}</p>",
        table(HEADER, [one.cells() for one in steps]),
        f'<div class="charts">{"".join(charts)}</div>',
    ]
    return page("Load test", title, parts)


def _rates(steps: Sequence[ShownStep]) -> str:
    pairs = [(float(str(one.record["rate"])), float(str(one.record["answered_a_second"]))) for one in steps]
    series = [ChartSeries("answered", pairs, dashed=True), ChartSeries("sent", [(rate, rate) for rate, _ in pairs])]
    return line_chart(series, title="Answered a second", x_label="sent a second")


def _milliseconds(value: float | None) -> str:
    return "-" if value is None else f"{value:.1f}"
