"""Standard input that can be asked whether a line is there yet, so that what was read need not wait for more."""

from __future__ import annotations

import io
import os
import select
import sys
from typing import IO

CHUNK = 2**16  # what a pipe holds


class Live(io.BufferedIOBase):
    """Bytes of a file descriptor, by lines or at large. Unlike Python's own reader it knows what it holds.

    Args:
        descriptor: open for reading; it is not closed with this.
    """

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._held = bytearray()
        self._ended = False

    def readable(self) -> bool:
        """It is."""
        return True

    def waits(self) -> bool:
        """Whether the next line would have to be waited for."""
        if self._ended or b"\n" in self._held:
            return False
        try:
            return not select.select([self._descriptor], [], [], 0)[0]
        except OSError:  # a system on which pipes cannot be asked
            return False

    def readline(self, limit: int | None = -1) -> bytes:
        """The next line with its end, or so many bytes of it; empty at the end."""
        most = -1 if limit is None else limit
        looked = 0
        while True:
            place = self._held.find(b"\n", looked)
            if place >= 0:
                return self._take(place + 1 if most < 0 else min(place + 1, most))
            looked = len(self._held)
            if 0 <= most <= looked or not self._fill():
                return self._take(looked if most < 0 else min(looked, most))

    def read(self, size: int | None = -1) -> bytes:
        """So many bytes, or all that there are till the end."""
        most = -1 if size is None else size
        while (most < 0 or len(self._held) < most) and self._fill():
            pass
        return self._take(len(self._held) if most < 0 else most)

    def peek(self, size: int = 0) -> bytes:
        """What comes next, at least one byte where there is one, without taking it."""
        if not self._held:
            self._fill()
        return bytes(self._held[: size or len(self._held)])

    def _fill(self) -> bool:
        if not self._ended:
            chunk = os.read(self._descriptor, CHUNK)
            self._held += chunk
            self._ended = not chunk
        return not self._ended

    def _take(self, count: int) -> bytes:
        taken = bytes(self._held[:count])
        del self._held[:count]
        return taken


_live: Live | None = None  # what a process has read ahead of its one standard input must not be forgotten


def standard_input() -> IO[bytes]:
    """The bytes of standard input."""
    global _live
    given = sys.stdin.buffer
    if sys.stdin is not sys.__stdin__ or not isinstance(getattr(given, "raw", None), io.FileIO):
        return given
    if _live is None:
        _live = Live(given.fileno())
    return _live  # type: ignore[return-value]  # all of `IO` that anyone uses


def waits() -> bool:
    """Whether somebody reads standard input, and its next line would have to be waited for."""
    return _live is not None and _live.waits()
