"""From a label for each word to entities, whatever scheme the labels are written in.

IOB1, IOB2, BIOES, BILOU and BMES differ in which prefix they write when, not in what a sequence of labels can mean. So
one rule reads them all, and repairs what none of them would write (an `I` that follows nothing starts an entity):

* `B`, `S`, `U` and `W` start an entity; so does any label after `O` or after another type;
* `I`, `M`, `E` and `L` go on with an entity of their type, unless `E`, `L`, `S`, `U` or `W` has closed it;
* labels without a place go on with an entity of their type.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from bertkit.tasks.tag_scheme import Tag, is_outside, placed

STARTS, CLOSES = "BSUW", "ESLUW"


class Span(NamedTuple):
    """An entity: its type, its first word, and the word after its last."""

    type: str
    start: int
    stop: int


def read_tags(labels: Sequence[str]) -> list[Tag | None]:
    """What each of a set of labels says; None for `O`. A label that says no place is inside of its own type."""
    tags = placed(labels)
    return [None if is_outside(label) else tags.get(label, Tag("I", label)) for label in labels]


def group(tags: Sequence[Tag | None]) -> list[Span]:
    """The entities of a text in order.

    Args:
        tags: one a word.
    """
    spans: list[Span] = []
    before: Tag | None = None
    for word, tag in enumerate(tags):
        if tag is not None:
            goes_on = (
                before is not None
                and before.type == tag.type
                and before.place not in CLOSES
                and tag.place not in STARTS
            )
            start = spans.pop().start if goes_on else word
            spans.append(Span(tag.type, start, word + 1))
        before = tag
    return spans
