"""Who is told how a job gets on: a terminal, a notebook, a program; or nobody. A job itself prints nothing."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import Protocol

from bertkit.training.observer import Record
from bertkit.training.observer import StepObserver as RecordObserver

Tick = Callable[[float], None]


class Observer(Protocol):
    """Follows a job. Of a job on several processes only the first tells what all of them do."""

    def say(self, line: str) -> None:
        """Something that the user should know, on one line."""
        ...

    def counting(self, unit: str) -> AbstractContextManager[Tick]:
        """A part of the job that gets on item by item; gives what is called with how many more are done.

        Args:
            unit: the plural name of the items, e.g. `texts`.
        """
        ...

    def training(self, steps: int) -> AbstractContextManager[RecordObserver]:
        """Training, from now to the block's end; gives what takes its records.

        Args:
            steps: of the whole run.
        """
        ...

    def stopping(self) -> AbstractContextManager[Callable[[], bool]]:
        """Gives what is asked before every step, on every process: is the job to stop after a checkpoint?"""
        ...


class Silent:
    """An observer that hears all and tells nobody."""

    def say(self, line: str) -> None:
        """Nothing is said."""

    def counting(self, unit: str) -> AbstractContextManager[Tick]:
        """Nothing is counted."""
        return nullcontext(lambda items: None)

    def training(self, steps: int) -> AbstractContextManager[RecordObserver]:
        """Records go nowhere."""
        return nullcontext(self)

    def stopping(self) -> AbstractContextManager[Callable[[], bool]]:
        """It never is."""
        return nullcontext(lambda: False)

    def on_record(self, record: Record) -> None:
        """Nothing is kept."""


SILENT = Silent()
