"""Shows in a notebook how a job gets on: one output of its cell, drawn anew with each piece of news."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from html import escape
from importlib import import_module
from typing import Any

from bertkit.runs.metrics_file import step_of
from bertkit.terminal.training_display import told
from bertkit.training.observer import Record
from bertkit.training.observer import StepObserver as RecordObserver
from bertkit.workflows.observer import Tick

DRAWN_EACH = 100  # items counted: a notebook is far away, and every drawing goes there


def in_notebook() -> bool:
    """Whether this process is a notebook's kernel. IPython in a terminal is none."""
    ipython = sys.modules.get("IPython")
    shell = None if ipython is None else ipython.get_ipython()
    return getattr(shell, "kernel", None) is not None


class NotebookObserver:
    """Follows a job in the output of the cell that began it: what was said, a bar, the newest measures."""

    def __init__(self) -> None:
        self._said: list[str] = []
        self._bar = ""
        self._news: dict[str, str] = {}
        self._html: Any = import_module("IPython.display").HTML
        self._output: Any = None

    def say(self, line: str) -> None:
        """A line above the bar."""
        self._said.append(line)
        self._draw()

    @contextmanager
    def counting(self, unit: str) -> Iterator[Tick]:
        """How many there are so far."""
        done = 0.0

        def tick(items: float) -> None:
            nonlocal done
            before, done = done, done + items
            if before // DRAWN_EACH != done // DRAWN_EACH:
                self._news["counted"] = f"{done:,.0f} {unit}"
                self._draw()

        yield tick
        self._news.pop("counted", None)

    def training(self, steps: int) -> AbstractContextManager[RecordObserver]:
        """A bar, the newest measures of training and of the held-out data."""
        return nullcontext(_Bar(steps, self._drawn))

    def stopping(self) -> AbstractContextManager[Callable[[], bool]]:
        """Nobody asks it to stop: the kernel is interrupted."""
        return nullcontext(lambda: False)

    def _drawn(self, bar: str, kind: str, text: str) -> None:
        self._bar, self._news[kind] = bar, text
        self._draw()

    def _draw(self) -> None:
        lines = [*map(escape, self._said), self._bar, *map(escape, self._news.values())]
        whole = self._html("".join(f"<div>{line}</div>" for line in lines if line))
        if self._output is None:
            self._output = import_module("IPython.display").display(whole, display_id=True)
        else:
            self._output.update(whole)


class _Bar:
    """Takes the records of training."""

    def __init__(self, steps: int, draw: Callable[[str, str, str], None]) -> None:
        self._steps = steps
        self._draw = draw

    def on_record(self, record: Record) -> None:
        """Draw the record."""
        step = step_of(record)
        kind = next((name for name in ("evaluation", "skipped", "split", "loss_scale") if name in record), "training")
        bar = f'<progress value="{step}" max="{self._steps}"></progress> step {step:,} of {self._steps:,}'
        self._draw(bar, kind, told(record))
