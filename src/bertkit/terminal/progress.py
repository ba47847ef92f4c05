"""A progress line on standard error: how many, how fast."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol


class Tick(Protocol):
    """What is called as work gets on."""

    def __call__(self, items: float = 1) -> None:
        """So many items more are done."""


@contextmanager
def progress_bar(unit: str, *, shown: bool, total: int | None = None, decimals: int = 0) -> Iterator[Tick]:
    """Yields what to call after each item, or with a number of items. Drawn only where standard error is a terminal.

    Args:
        unit: the plural name of the items, e.g. `rows`.
        shown: False where the line would run into other output on the same terminal.
        total: how many items there will be, where that is known.
        decimals: of the speed.
    """
    if not shown or sys.stderr is None or not sys.stderr.isatty():
        yield lambda items=1: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, ProgressColumn, SpinnerColumn, Task, TextColumn, TimeElapsedColumn
    from rich.text import Text

    class Speed(ProgressColumn):
        def render(self, task: Task) -> Text:
            return Text(f"{task.finished_speed or task.speed or 0:,.{decimals}f} {unit}/s")

    bar = [SpinnerColumn()] if total is None else [BarColumn()]
    count = TextColumn("{task.completed:,.0f} " + unit)
    with Progress(*bar, count, Speed(), TimeElapsedColumn(), console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task("", total=total)
        yield lambda items=1: progress.advance(task, items)
