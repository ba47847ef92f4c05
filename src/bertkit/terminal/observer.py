"""Shows in a terminal, or as lines of a log, how a job gets on."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext

from bertkit.terminal.messages import say
from bertkit.terminal.progress import progress_bar
from bertkit.terminal.training_display import training_display
from bertkit.training.observer import StepObserver as RecordObserver
from bertkit.workflows.observer import Tick

Stopping = AbstractContextManager[Callable[[], bool]]


def never() -> Stopping:
    """Nobody asks a job to stop."""
    return nullcontext(lambda: False)


class TerminalObserver:
    """Follows a job on standard error.

    Args:
        json: write the records of training to standard output, one a line.
        stopping: gives, while training lasts, what is asked whether it is to stop.
    """

    def __init__(self, *, json: bool = False, stopping: Callable[[], Stopping] = never) -> None:
        self._json = json
        self._stopping = stopping

    def say(self, line: str) -> None:
        """A line."""
        say(line)

    def counting(self, unit: str) -> AbstractContextManager[Tick]:
        """A bar."""
        return progress_bar(unit, shown=True)

    def training(self, steps: int) -> AbstractContextManager[RecordObserver]:
        """A live view, or a line a record."""
        return training_display(steps, json=self._json)

    def stopping(self) -> Stopping:
        """As the one who made this says."""
        return self._stopping()
