"""A progress counter on one line of standard error, which terminals and notebooks both update in place."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from typing import TypeVar

Item = TypeVar("Item")
WRITTEN_EVERY = 100  # items, where nobody knows how many there will be
PARTS = 100  # lines that are written where it is known, so that a file of them stays short


def counted(items: Iterable[Item], unit: str, total: int | None) -> Iterator[Item]:
    """The items, counted as they come.

    Args:
        unit: the plural name of the items.
        total: how many there will be, where that is known.
    """
    step = WRITTEN_EVERY if total is None else max(1, -(-total // PARTS))
    of_all = "" if total is None else f" of {total:,}"
    done = 0
    for done, item in enumerate(items, 1):
        yield item
        if done % step == 0:
            _write(f"\r{done:,}{of_all} {unit}")
    _write(f"\r{done:,}{of_all} {unit}\n")


def _write(line: str) -> None:
    if sys.stderr is not None:  # it was closed
        sys.stderr.write(line)
        sys.stderr.flush()
