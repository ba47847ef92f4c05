"""What the commands that train share: how they are watched, how SIGTERM ends them, and what is said then."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import TYPE_CHECKING

import typer

from bertkit.cli.exits import TERMINATED
from bertkit.terminal.messages import say

if TYPE_CHECKING:
    from bertkit.terminal.observer import TerminalObserver


@contextmanager
def watched(*, json: bool) -> Iterator[TerminalObserver]:
    """What shows how a job gets on. One that SIGTERM stopped after a checkpoint ends the program by SIGTERM's code."""
    from bertkit.errors import Stopped
    from bertkit.terminal.observer import TerminalObserver
    from bertkit.training.ranks import is_first_process

    try:
        yield TerminalObserver(json=json, stopping=sigterm_is_noted)
    except Stopped as stop:
        if is_first_process():
            say(_left(stop.step))
        raise typer.Exit(TERMINATED) from None


def _left(step: int | None) -> str:
    if step is None:
        return "stopped by SIGTERM; there is no checkpoint, so that the same command begins again"
    return f"stopped by SIGTERM; the same command goes on after step {step:,}, from its checkpoint"


@contextmanager
def sigterm_is_noted() -> Iterator[Callable[[], bool]]:
    """SIGTERM does not end the program at once; it raises a flag, which this gives."""
    noted: list[int] = []

    def note(number: int, frame: FrameType | None) -> None:
        noted.append(number)

    before = signal.signal(signal.SIGTERM, note)
    try:
        yield lambda: bool(noted)
    finally:
        signal.signal(signal.SIGTERM, before)
