"""From a label for each word to entities, whatever scheme the labels are written in.

IOB1, IOB2, BIOES and BILOU differ in when they write which prefix, not in what a sequence of labels can mean. So one
rule reads them all, and repairs what none of them would write (an `I-` that follows nothing starts an entity):

* `B-`, `S-` and `U-` start an entity; so does any label after `O` or after another type;
* `I-`, `E-` and `L-` go on with an entity of their type, unless `E-`, `L-`, `S-` or `U-` has closed it;
* labels without a prefix go on with an entity of their type.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from bertkit.data.tag_scheme import OUTSIDE, PREFIXED

STARTS, CLOSES = "BSU", "ESLU"


class Tag(NamedTuple):
    """What a label says of a word: its place in an entity (`B`, `I`, `E`, `S`, `L`, `U`), and the entity's type."""

    place: str
    type: str


class Span(NamedTuple):
    """An entity: its type, its first word, and the word after its last."""

    type: str
    start: int
    stop: int


def read_tags(labels: Sequence[str]) -> list[Tag | None]:
    """What each label says; None for `O`.

    A prefix counts where the labels have a `B-` or an `I-` of the same type: `E-MAIL` without `I-MAIL` is a type.
    """
    matches = [PREFIXED.fullmatch(label) for label in labels]
    types = {match[2] for match in matches if match and match[1] in "BI"}
    tags: list[Tag | None] = []
    for label, match in zip(labels, matches, strict=True):
        if label == OUTSIDE:
            tags.append(None)
        else:
            tags.append(Tag(match[1], match[2]) if match and match[2] in types else Tag("I", label))
    return tags


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
