"""What is wrong with entities that were found: their ends, their type, or that they are missed or spurious."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Literal

from bertkit.tasks.entities import Span

Fault = Literal["type", "boundary", "missed", "spurious"]
FAULTS: tuple[Fault, ...] = ("boundary", "type", "missed", "spurious")


@dataclass(frozen=True, slots=True)
class EntityMark:
    """An entity in a text.

    Attributes:
        start, end: in code points of the text.
        fault: None where it is right.
    """

    start: int
    end: int
    type: str
    fault: Fault | None


@dataclass(frozen=True, slots=True)
class EntityMarks:
    """The entities of a text that are right, and those that were said, each in order."""

    right: tuple[EntityMark, ...]
    said: tuple[EntityMark, ...]

    @property
    def faults(self) -> list[Fault]:
        """Each fault once: of the entities that are right, and of what was said where none is."""
        found = [one.fault for one in self.right] + [one.fault for one in self.said if one.fault == "spurious"]
        return [fault for fault in found if fault is not None]


def marks_of(right: Collection[Span], said: Collection[Span], words: Sequence[tuple[int, int]]) -> EntityMarks:
    """Entities beside one another.

    Args:
        right, said: over words.
        words: where these are in the text.
    """

    def marks(these: Collection[Span], others: Collection[Span], alone: Fault) -> tuple[EntityMark, ...]:
        in_order = sorted(these, key=lambda span: span.start)
        return tuple(
            EntityMark(words[span.start][0], words[span.stop - 1][1], span.type, _fault(span, others, alone))
            for span in in_order
        )

    return EntityMarks(marks(right, said, "missed"), marks(said, right, "spurious"))


def _fault(span: Span, others: Collection[Span], alone: Fault) -> Fault | None:
    if span in others:
        return None
    touching = [other for other in others if other.start < span.stop and span.start < other.stop]
    if any((other.start, other.stop) == (span.start, span.stop) for other in touching):
        return "type"
    return "boundary" if touching else alone
