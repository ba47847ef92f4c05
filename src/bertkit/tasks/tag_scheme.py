"""How the tags of words say where an entity begins and goes on: by a letter before its type, behind it, or not at all.

One tag alone does not say what its letter means: `U-LOC` is a place of one word in BILOU, and `E-MAIL` may be a type
without a prefix. So all tags of a set are looked at together.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import NamedTuple

OUTSIDE = "O"
# The letters that go together: IOB and IOBES, BILOU, and the two that say M for the middle. One set of tags has letters
# of one of them.
SCHEMES = ("BIES", "BILU", "BMES", "BMEW")
PLACES = "BIMELSUW"  # of the words of an entity, in their order
ALONE = "SUW"  # of entities of one word
PREFIX = re.compile(rf"(?P<place>[{PLACES}])[-_](?P<type>.+)", re.DOTALL)
SMALL_PREFIX = re.compile(rf"(?P<place>[{PLACES.lower()}])[-_](?P<type>.+)", re.DOTALL)
SUFFIX = re.compile(rf"(?P<type>.+)[-_](?P<place>[{PLACES}])", re.DOTALL)
SMALL_SUFFIX = re.compile(rf"(?P<type>.+)[-_](?P<place>[{PLACES.lower()}])", re.DOTALL)
_SPECIAL = re.compile(r"\[.*\]|<.*>", re.DOTALL)  # `[PAD]`, which some models have among their labels


class Tag(NamedTuple):
    """What a label says of a word: its place in an entity, one of `PLACES`, and the entity's type."""

    place: str
    type: str


def is_outside(label: str) -> bool:
    """Whether a label says that the word is of no entity: `O`, also as a small letter."""
    return label.upper() == OUTSIDE


def placed(labels: Collection[str]) -> dict[str, Tag]:
    """Those of a set of labels that say a place, and what they say; empty where the set has no scheme.

    * `B-` and `I-` are always read. The other letters are read where every label has one, all of one scheme, and `E-`,
      `L-` and `M-` also stand before a type that has another letter: so `U-LOC` beside `B-PER` and `L-PER` is a LOC,
      and `E-MAIL` beside `B-PER` a type. Else letter and type are looked at one by one, and count where the type has
      `B-` or `I-` as well.
    * Small letters and letters behind the type are read where every label has one, and some type has two of them;
      before the type also where `o` is among the labels.
    * `S-`, `U-` or `W-` before every label: all entities have one word.
    """
    written = [label for label in labels if not is_outside(label) and not _SPECIAL.fullmatch(label)]
    tags = _read(PREFIX, written)
    if any(tag.place in "BI" for tag in tags.values()):
        return _sure(tags) if _is_scheme(tags, written) else _with_partner(tags)
    for form in (SMALL_PREFIX, SUFFIX, SMALL_SUFFIX):
        small = _read(form, written)
        told = _has_two_places(small) or (form is SMALL_PREFIX and OUTSIDE.lower() in labels)
        if told and _is_scheme(small, written):
            return _sure(small)
    return tags if _is_scheme(tags, written) else {}


def _read(form: re.Pattern[str], labels: Iterable[str]) -> dict[str, Tag]:
    matches = ((label, form.fullmatch(label)) for label in labels)
    return {label: Tag(match["place"].upper(), match["type"]) for label, match in matches if match}


def _is_scheme(tags: Mapping[str, Tag], labels: Sequence[str]) -> bool:
    """Whether every label says a place, all of one scheme: several, or that all entities have one word."""
    letters = {tag.place for tag in _sure(tags).values()}
    if len(tags) < len(labels) or not any(letters <= set(scheme) for scheme in SCHEMES):
        return False
    return bool(letters & set("BI")) or (len(letters) == 1 and letters <= set(ALONE))


def _sure(tags: Mapping[str, Tag]) -> dict[str, Tag]:
    """Without the letters for the middle and the end of an entity that no type has beside another letter."""
    places = _places_of_types(tags)
    sure = {*"BI", *ALONE, *(place for some in places.values() if len(some) > 1 for place in some)}
    return {label: tag for label, tag in tags.items() if tag.place in sure}


def _with_partner(tags: Mapping[str, Tag]) -> dict[str, Tag]:
    places = _places_of_types(tags)
    return {label: tag for label, tag in tags.items() if places[tag.type] & set("BI")}


def _has_two_places(tags: Mapping[str, Tag]) -> bool:
    return any(len(places) > 1 for places in _places_of_types(tags).values())


def _places_of_types(tags: Mapping[str, Tag]) -> dict[str, set[str]]:
    places = defaultdict[str, set[str]](set)
    for tag in tags.values():
        places[tag.type].add(tag.place)
    return places
