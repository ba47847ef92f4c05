from __future__ import annotations

from bertkit.metrics.entity_faults import EntityMark, marks_of
from bertkit.tasks.entities import Span

WORDS = [(0, 1), (2, 3), (4, 5), (6, 7), (8, 9), (10, 11)]
RIGHT = {Span("PER", 0, 2), Span("LOC", 2, 3), Span("ORG", 3, 4), Span("PER", 5, 6)}
SAID = {Span("PER", 0, 2), Span("ORG", 2, 3), Span("ORG", 3, 5)}


def test_an_entity_is_right_or_of_another_type_or_has_other_ends_or_is_missed() -> None:
    marks = marks_of(RIGHT, SAID, WORDS)
    assert marks.right == (
        EntityMark(0, 3, "PER", None),
        EntityMark(4, 5, "LOC", "type"),
        EntityMark(6, 7, "ORG", "boundary"),
        EntityMark(10, 11, "PER", "missed"),
    )
    assert [one.fault for one in marks.said] == [None, "type", "boundary"]
    assert marks.faults == ["type", "boundary", "missed"]


def test_what_is_said_where_nothing_is_counts_once() -> None:
    marks = marks_of(set(), SAID, WORDS)
    assert [one.fault for one in marks.said] == marks.faults == ["spurious"] * 3


def test_the_type_goes_before_the_ends() -> None:
    """An entity of the same words tells more of the mistake than one that merely touches."""
    marks = marks_of({Span("PER", 0, 2)}, {Span("LOC", 0, 2), Span("PER", 1, 3)}, WORDS)
    assert marks.right[0].fault == "type"
