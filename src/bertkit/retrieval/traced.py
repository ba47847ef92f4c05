"""Text that knows where in a source its characters stand, whatever was left out between them."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple


class Stretch(NamedTuple):
    """Characters that stand side by side in the source as well.

    Attributes:
        at: where in the text the run begins.
        source: where in the source that is, in code points.
        line: of the source, from 1; 0 where it has no lines, as a page has.
    """

    at: int
    source: int
    line: int


class SourcePlace(NamedTuple):
    """A place in a source: code points from its beginning, and the line, from 1."""

    offset: int
    line: int


@dataclass(frozen=True, slots=True)
class Traced:
    """A text and where it comes from.

    Attributes:
        runs: in their order; the first begins at 0. A text that is not empty has one.
    """

    text: str
    runs: tuple[Stretch, ...]

    def place(self, at: int) -> SourcePlace:
        """Where in the source a character of the text stands."""
        run = self.runs[bisect_right(self.runs, at, key=lambda run: run.at) - 1]
        lines = self.text.count("\n", run.at, at) if run.line else 0
        return SourcePlace(run.source + at - run.at, run.line + lines)

    def span(self, start: int, end: int) -> tuple[SourcePlace, SourcePlace]:
        """Where in the source some characters, at least one, begin and end."""
        first, last = self.place(start), self.place(end - 1)
        return first, SourcePlace(last.offset + 1, last.line)

    def part(self, start: int, end: int) -> Traced:
        """`[start:end]` of the text; at least one character."""
        first = self.place(start)
        inside = (Stretch(run.at - start, run.source, run.line) for run in self.runs if start < run.at < end)
        return Traced(self.text[start:end], (Stretch(0, *first), *inside))


def joined(parts: Iterable[Traced], glue: str) -> Traced:
    """Parts in their order, with text between them that stands nowhere in the source. There is at least one."""
    texts: list[str] = []
    runs: list[Stretch] = []
    length = 0
    for part in parts:
        if texts:
            length += len(glue)
        runs += [Stretch(length + run.at, run.source, run.line) for run in part.runs]
        texts.append(part.text)
        length += len(part.text)
    return Traced(glue.join(texts), tuple(runs))


class LineStarts:
    """Which line of a source an offset is on."""

    def __init__(self, source: str) -> None:
        self.starts: Sequence[int] = [0, *(at + 1 for at, character in enumerate(source) if character == "\n")]

    def line(self, offset: int) -> int:
        """From 1."""
        return bisect_right(self.starts, offset)

    def traced(self, text: str, offset: int) -> Traced:
        """Characters of the source as they stand there from an offset on."""
        return Traced(text, (Stretch(0, offset, self.line(offset)),))
