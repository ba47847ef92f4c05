"""The result of a compression: what was written, how small and fast it is, what it cost, and what was kept for that."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from bertkit.compression.pace import Pace
from bertkit.metrics.intervals import Comparison
from bertkit.reports.notebook import small_table

HEADINGS = {"cascade": "A cascade", "trimmed": "A trimmed vocabulary"}


@dataclass(frozen=True, slots=True)
class MeasuredLoss:
    """What compression cost, by the task's metric on labelled data.

    Attributes:
        metric: its name, as `bertkit evaluate` prints it.
        before, after: its values.
        points: that it fell by, of the 100 that a share has; negative where it rose.
        low, high: the 95 % interval of the points, by resampling the examples; None of fill-mask.
    """

    metric: str
    before: float
    after: float
    points: float
    low: float | None
    high: float | None

    @classmethod
    def of(cls, metric: str, before: float, after: float, factor: float, compared: Comparison | None) -> MeasuredLoss:
        """Made of a comparison of before with after.

        Args:
            factor: from the metric to points; negative where lower is better.
        """
        points = (before - after) * factor
        if compared is None:
            return cls(metric, before, after, points, None, None)
        low, high = sorted((compared.low * factor, compared.high * factor))
        return cls(metric, before, after, points, low, high)

    def __str__(self) -> str:
        """In words."""
        between = "" if self.low is None else f" (95 %: {self.low:+.2f} to {self.high:+.2f})"
        return f"{self.metric} {self.before:.4f} to {self.after:.4f}, loss {self.points:+.2f} points{between}"


@dataclass(frozen=True)
class Compression:
    """A model that was made smaller.

    Attributes:
        folder: that was written.
        to: int8, fp16, bf16, cascade, trimmed, fewer layers or narrower MLPs.
        bytes_before, bytes_after: of the files of weights.
        loss: None where there was no data to measure it on.
        paces: of the model before and after; empty where there was no data.
        kept: weights that stay in floating point, the ones to blame for the loss.
        by_rows: weights whose inputs have a scale for each row, because fixed ones were to blame.
        notes: what a user should know of how the data was understood, a line each.
        compared: what else there is to compare: its name, before, after.
        said: what else there is to say of it, a line each.
        details: the same as JSON values, by name.
    """

    folder: Path
    to: str
    bytes_before: int
    bytes_after: int
    loss: MeasuredLoss | None = None
    paces: tuple[Pace, ...] = ()
    kept: tuple[str, ...] = ()
    by_rows: tuple[str, ...] = ()
    notes: Sequence[str] = ()
    compared: tuple[tuple[str, str, str], ...] = ()
    said: tuple[str, ...] = ()
    details: Mapping[str, object] = field(default_factory=dict)

    def rows(self) -> list[tuple[str, str, str]]:
        """What there is to compare: its name, before, after."""
        found = [("weights, MB", f"{self.bytes_before / 1e6:,.1f}", f"{self.bytes_after / 1e6:,.1f}")]
        found += self.compared
        if self.paces:
            before, after = self.paces
            found += [
                ("tokens a second", f"{before.tokens_per_second:,.0f}", f"{after.tokens_per_second:,.0f}"),
                ("p50 of one row, ms", f"{before.p50_ms:.1f}", f"{after.p50_ms:.1f}"),
                ("p95 of one row, ms", f"{before.p95_ms:.1f}", f"{after.p95_ms:.1f}"),
            ]
        if self.loss is not None:
            found.append((self.loss.metric, f"{self.loss.before:.4f}", f"{self.loss.after:.4f}"))
        return found

    def facts(self) -> list[str]:
        """What else there is to say, a line each."""
        said = [] if self.loss is None else [str(self.loss)]
        said += self.said
        if self.kept:
            said.append(f"kept in floating point: {', '.join(self.kept)}")
        if self.by_rows:
            said.append(f"a scale for each row of what is read: {', '.join(self.by_rows)}")
        return said

    def record(self) -> dict[str, object]:
        """The facts as JSON values."""
        loss = self.loss
        return {
            "folder": str(self.folder),
            "to": self.to,
            "bytes": {"before": self.bytes_before, "after": self.bytes_after},
            "metric": None if loss is None else loss.metric,
            "score": None if loss is None else {"before": loss.before, "after": loss.after},
            "loss_points": None if loss is None else loss.points,
            "interval": None if loss is None or loss.low is None else [loss.low, loss.high],
            "pace": {name: one.record() for name, one in zip(("before", "after"), self.paces, strict=False)},
            "kept": list(self.kept),
            "by_rows": list(self.by_rows),
            **self.details,
        }

    def section(self, data: str | None) -> str:
        """What the model's card says of it, Markdown.

        Args:
            data: what it was measured on, in words.
        """
        lines = [
            f"\n## {HEADINGS.get(self.to, f'Compressed to {self.to}')}\n",
            "| | before | after |",
            "|---|---|---|",
        ]
        lines += [f"| {name} | {before} | {after} |" for name, before, after in self.rows()]
        if data is not None:
            lines += ["", f"Measured on {data}, one machine's CPU, in turns."]
        lines += ["", *(f"* {line}" for line in self.facts())]
        if self.to == "cascade":
            lines += ["", "bertkit answers with both models; other libraries open the folder as the teacher alone."]
        if self.to == "int8":
            lines += ["", "bertkit opens it; `bertkit convert FOLDER NEW` gives float32 back, for other libraries."]
        return "\n".join(lines) + "\n"

    def __repr__(self) -> str:
        """One line: how small it is and what it cost."""
        cost = "" if self.loss is None else f", {self.loss}"
        size = f"{self.bytes_before / 1e6:,.1f} to {self.bytes_after / 1e6:,.1f} MB"
        return f"<bertkit.Compression of {str(self.folder)!r} to {self.to}: {size}{cost}>"

    def _repr_html_(self) -> str:
        """The comparison as a small table, for a notebook."""
        return small_table(
            f"{self.folder}, {self.to}", ("", "before", "after"), self.rows(), [*self.facts(), *self.notes]
        )
