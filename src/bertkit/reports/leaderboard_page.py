"""One self-contained page of many benchmarks: bars for each kind of work, a table of all, predictions beside both."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from bertkit.reports.bars import Bar, bar_chart
from bertkit.reports.page import chart, page, table

HEADER = (
    *("model", "machine", "work", "precision", "lengths", "batch", "contestant"),
    *("tokens/s", "texts/s", "± spread", "predicted", "error"),
)
CONTESTANTS = ("bertkit", "transformers", "onnxruntime", "openvino")
NOTE = (
    "Useful tokens a second, padding not counted; higher is better. A diamond is what the planner predicted, a line "
    "its range. Ratios inside one machine's run are what counts: other programs may have been busy in between."
)


@dataclass(frozen=True, slots=True)
class Entry:
    """One measurement of one contestant.

    Attributes:
        group: the model and the work, by which entries are compared.
        predicted: tokens a second, and the range; None where there is no prediction.
    """

    model: str
    machine: str
    kind: str
    precision: str
    lengths: str
    size: str
    batch: int
    contestant: str
    tokens_per_second: float
    texts_per_second: float
    spread: float
    predicted: tuple[float, float, float] | None

    @property
    def group(self) -> str:
        """What entries of one chart have in common."""
        batch = "one text at a time" if self.size == "1" else "best batch"
        lengths = self.lengths if self.lengths == "mixed" else f"{self.lengths} tokens"
        return f"{self.model}, {self.kind}, {self.precision}, {lengths}, {batch}"

    def cells(self) -> list[str]:
        """As a row of the table."""
        error = None if self.predicted is None else self.predicted[0] / self.tokens_per_second - 1
        return [
            *(self.model, self.machine, self.kind, self.precision, self.lengths, str(self.batch), self.contestant),
            f"{self.tokens_per_second:,.0f}",
            f"{self.texts_per_second:,.1f}",
            f"{self.spread:.0%}",
            "-" if self.predicted is None else f"{self.predicted[0]:,.0f}",
            "-" if error is None else f"{error:+.0%}",
        ]


def ranked(entries: Sequence[Entry]) -> list[Entry]:
    """Group by group, the fastest first."""
    groups = list(dict.fromkeys(entry.group for entry in entries))
    return sorted(entries, key=lambda entry: (groups.index(entry.group), -entry.tokens_per_second))


def leaderboard_page(entries: Sequence[Entry]) -> str:
    """The page as HTML, which needs no other file and no script."""
    found = ranked(entries)
    groups = list(dict.fromkeys(entry.group for entry in found))
    several = len({entry.machine for entry in found}) > 1
    charts = [_chart(group, [entry for entry in found if entry.group == group], several) for group in groups]
    parts = [
        f"<p>{NOTE}</p>",
        f'<div class="charts">{"".join(charts)}</div>',
        "<h2>All of it</h2>",
        table(HEADER, [entry.cells() for entry in found]),
    ]
    machines = len({entry.machine for entry in found})
    return page("Leaderboard", f"BERT on {machines} machine{'s' if machines != 1 else ''}", parts)


def _chart(group: str, entries: Sequence[Entry], several: bool) -> str:
    bars = [
        Bar(
            f"{entry.contestant}, {entry.machine}" if several else entry.contestant,
            entry.tokens_per_second,
            entry.predicted,
            CONTESTANTS.index(entry.contestant) if entry.contestant in CONTESTANTS else len(CONTESTANTS),
        )
        for entry in entries
    ]
    return chart(lambda width: bar_chart(bars, title=group, unit="tokens a second", width=width))
