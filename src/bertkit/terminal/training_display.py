"""What a run shows while it trains: a live view in a terminal, else a line a record, or JSON lines for programs."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING

from bertkit.errors import OutputError
from bertkit.runs.metrics_file import number_of, record_line, step_of
from bertkit.terminal.messages import one_line, write_line
from bertkit.training.observer import Record, StepObserver

if TYPE_CHECKING:
    from rich.console import Console, RenderableType
    from rich.live import Live

ELSEWHERE = ("step", "seconds", "tokens", "sequences")  # the bar says where the run is
GROUPS = {"tokens_per_second": "speed", "peak_share": "speed", "memory_bytes": "speed"}
FORMS: Mapping[str, Callable[[float], str]] = {
    "loss": lambda value: f"loss {value:.4f}",
    "accuracy": lambda value: f"accuracy {value:.1%}",
    "learning_rate": lambda value: f"learning rate {value:.2e}",
    "tokens_per_second": lambda value: f"{value:,.0f} tokens/s",
    "peak_share": lambda value: f"{value:.0%} of peak",
    "memory_bytes": lambda value: f"{value / 1e9:.2f} GB",
}
UNITS = ((86_400, "d"), (3_600, "h"), (60, "min"))


@contextmanager
def training_display(steps: int, *, json: bool = False) -> Iterator[StepObserver]:
    """What to hand each record to.

    Args:
        steps: of the whole run.
        json: write records to standard output, one a line, and nothing else anywhere.
    """
    if json:
        yield JsonRecords()
    elif sys.stderr is not None and sys.stderr.isatty():
        from rich.console import Console
        from rich.live import Live

        console = Console(stderr=True, highlight=False)
        # Drawn when a record comes: there is nothing new in between, and no thread then takes time from training.
        with Live(console=console, auto_refresh=False) as live:
            yield LiveView(steps, live, console)
    else:
        yield PlainLines(steps)


class JsonRecords:
    """Each record as a line of JSON on standard output."""

    def on_record(self, record: Record) -> None:
        """Write the record.

        Raises:
            OutputError: standard output is closed.
        """
        if sys.stdout is None:
            raise OutputError("standard output is closed")
        write_line(sys.stdout, record_line(record))


class PlainLines:
    """Each record as a line of text on standard error, as for a log file."""

    def __init__(self, steps: int) -> None:
        self._steps = steps
        self._remaining = Remaining(steps)

    def on_record(self, record: Record) -> None:
        """Write the record's line."""
        if sys.stderr is None:
            return
        left = self._remaining.after(record)
        ending = "" if not left or "seconds" not in record else f"  {duration(left)} left"
        print(f"step {step_of(record):,}/{self._steps:,}  {told(record)}{ending}", file=sys.stderr, flush=True)


class LiveView:
    """A bar and the newest measures, drawn in place; what interrupts the run stays above them."""

    def __init__(self, steps: int, live: Live, console: Console) -> None:
        self._steps = steps
        self._remaining = Remaining(steps)
        self._live = live
        self._console = console
        self._measures: dict[str, object] = {}
        self._evaluation: dict[str, object] = {}

    def on_record(self, record: Record) -> None:
        """Draw the record."""
        left = self._remaining.after(record)
        if not record.keys().isdisjoint(("skipped", "split", "loss_scale")):
            self._console.print(f"step {step_of(record):,}  {told(record)}", markup=False)
            return
        if isinstance(record.get("evaluation"), Mapping):
            self._evaluation = dict(record)
        else:
            self._measures = dict(record)
        self._live.update(self._drawn(left), refresh=True)

    def _drawn(self, left: float | None) -> RenderableType:
        from rich.console import Group
        from rich.progress_bar import ProgressBar
        from rich.table import Table
        from rich.text import Text

        step = max(step_of(self._measures), step_of(self._evaluation))
        seconds = number_of(self._measures, "seconds") or number_of(self._evaluation, "seconds") or 0.0
        heading = Table.grid(padding=(0, 1))
        times = f"{duration(seconds)} so far" + (f", {duration(left)} left" if left else "")
        heading.add_row(f"step {step:,}/{self._steps:,}", ProgressBar(self._steps, step, width=24), times)
        body = Table.grid(padding=(0, 2))
        for name, text in rows(self._measures):
            body.add_row(Text(name, "bold"), text)
        if self._evaluation:
            body.add_row(Text(f"step {step_of(self._evaluation):,}", "bold"), told(self._evaluation))
        return Group(heading, body)


class Remaining:
    """Guesses the seconds that are left from the pace since this session's first record."""

    def __init__(self, steps: int) -> None:
        self._steps = steps
        self._first: tuple[int, float] | None = None
        self._left: float | None = None

    def after(self, record: Record) -> float | None:
        """Seconds that are left after the record; None until two records have told the pace."""
        seconds, step = number_of(record, "seconds"), step_of(record)
        if seconds is None:
            return self._left
        if self._first is None:
            self._first = (step, seconds)
        first_step, first_seconds = self._first
        if step > first_step:
            self._left = (seconds - first_seconds) / (step - first_step) * max(self._steps - step, 0)
        return self._left


def told(record: Record) -> str:
    """A record in words, on one line."""
    if "skipped" in record:
        kept = f"; what it read is in {record['batch']}" if "batch" in record else ""
        return one_line(f"skipped: {record['skipped']}{kept}")
    if "loss_scale" in record:
        return f"a gradient was too large for float16: the loss is now multiplied by {record['loss_scale']:,.0f}"
    if "split" in record:
        return f"out of memory: a batch is now computed in {record['split']} parts"
    measures = record.get("evaluation")
    if isinstance(measures, Mapping):
        return "held out: " + in_words(measures)
    return in_words(record)


def in_words(measures: Record) -> str:
    """All measures of a record, on one line."""
    return "  ".join(f"{name} {text}".strip() for name, text in rows(measures))


def rows(measures: Record) -> list[tuple[str, str]]:
    """The measures of a record as a few lines: a name (a task's where it is of one), and its numbers in words."""
    groups: dict[str, list[str]] = {}
    for name in measures:
        value = number_of(measures, name)
        if value is None or name in ELSEWHERE:
            continue
        group, _, measure = name.rpartition("/")
        title = group or GROUPS.get(name, "")
        text = FORMS[measure](value) if measure in FORMS else f"{measure.replace('_', ' ')} {value:.4g}"
        groups.setdefault(title, []).append(text)
    return [(title, "  ".join(texts)) for title, texts in groups.items()]


def duration(seconds: float) -> str:
    """A time to the two largest of its units: `2 d 4 h`, `3 min 20 s`."""
    rest, parts = round(seconds), list[str]()
    for size, unit in UNITS:
        count, rest = divmod(rest, size)
        if count or parts:
            parts.append(f"{count} {unit}")
    return " ".join([*parts, f"{rest} s"][:2])
