"""Entities found, counted as `conlleval` counts chunks: the script of the CoNLL-2000 and CoNLL-2003 shared tasks.

The script looks at two neighbouring tags at a time and asks whether a chunk ends between them, and whether one starts.
Its rules hold for IOB1, IOB2 and IOE, for `[` and `]` as chunks of one word, and for sequences that no scheme would
write. They know no `S-`, and no `B-` after `E-`: write BIOES as IOB2 first (`tasks/entities.py` reads it).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise, starmap
from operator import eq
from typing import NamedTuple

from bertkit.metrics.label_counts import Counts, total

ENDS = frozenset({("B", "B"), ("B", "O"), ("I", "B"), ("I", "O"), ("E", "E"), ("E", "I"), ("E", "O")})
STARTS = frozenset({("B", "B"), ("I", "B"), ("O", "B"), ("O", "I"), ("E", "E"), ("E", "I"), ("O", "E")})
ALONE = frozenset("[]")  # always a chunk of one word
OUTSIDE = frozenset("O.")  # a type that these carry starts nothing


class EntityTag(NamedTuple):
    """`B-PER`: what the word is to its chunk, and the chunk's type; without a hyphen there is no type."""

    place: str
    type: str


BETWEEN_SENTENCES = EntityTag("O", "")


@dataclass(frozen=True, slots=True)
class EntityCounts:
    """What was counted.

    Attributes:
        types: the counts of each type of entity, sorted by name.
        tokens: words with a tag.
        correct_tokens: words whose predicted tag is the right one.
    """

    types: Mapping[str, Counts]
    tokens: int
    correct_tokens: int

    @property
    def total(self) -> Counts:
        """All types together."""
        return total(self.types.values())

    def scores(self) -> dict[str, float]:
        """`entity_precision`, `entity_recall`, `entity_f1`, and `accuracy`, that of the tags."""
        whole = self.total
        return {
            "entity_precision": whole.precision,
            "entity_recall": whole.recall,
            "entity_f1": whole.f1,
            "accuracy": self.correct_tokens / self.tokens if self.tokens else 0.0,
        }


def count_entities(gold: Sequence[Sequence[str]], predicted: Sequence[Sequence[str]]) -> EntityCounts:
    """Counts entities: one is right when it starts and ends where the right one does, and has its type.

    Args:
        gold, predicted: the tags of each sentence, as many in both; a chunk never crosses the end of a sentence.
    """
    right, found = _end_to_end(gold), _end_to_end(predicted)
    correct, in_gold, in_predicted = Counter(_agreed(right, found)), Counter(_started(right)), Counter(_started(found))
    types = {
        type: Counts(correct[type], in_predicted[type], in_gold[type])
        for type in sorted(in_gold | in_predicted | correct)
    }
    pairs = [pair for tags in zip(gold, predicted, strict=True) for pair in zip(*tags, strict=True)]
    return EntityCounts(types, len(pairs), sum(starmap(eq, pairs)))


def read_tag(tag: str) -> EntityTag:
    """A tag cut at its first hyphen."""
    place, _, type = tag.partition("-")
    return EntityTag(place, type)


def chunk_ends(before: EntityTag, tag: EntityTag) -> bool:
    """Whether a chunk ends between two words."""
    changes = before.place not in OUTSIDE and before.type != tag.type
    return changes or (before.place, tag.place) in ENDS or before.place in ALONE


def chunk_starts(before: EntityTag, tag: EntityTag) -> bool:
    """Whether a chunk starts between two words."""
    changes = tag.place not in OUTSIDE and before.type != tag.type
    return changes or (before.place, tag.place) in STARTS or tag.place in ALONE


def _end_to_end(sentences: Sequence[Sequence[str]]) -> list[EntityTag]:
    """All tags, with one between sentences where nothing goes on."""
    return [tag for tags in sentences for tag in (*map(read_tag, tags), BETWEEN_SENTENCES)]


def _started(tags: Sequence[EntityTag]) -> list[str]:
    """The type of every chunk that starts."""
    return [tag.type for before, tag in pairwise([BETWEEN_SENTENCES, *tags]) if chunk_starts(before, tag)]


def _agreed(right: Sequence[EntityTag], found: Sequence[EntityTag]) -> list[str]:
    """The type of every chunk that starts in both, has the same type in both, and ends in both at once."""
    agreed = []
    both = False  # inside a chunk that was the same in both so far
    before_right = before_found = BETWEEN_SENTENCES
    for now_right, now_found in zip(right, found, strict=True):
        if both:
            ends = chunk_ends(before_right, now_right), chunk_ends(before_found, now_found)
            if all(ends):
                agreed.append(before_right.type)
            both = not any(ends) and now_right.type == now_found.type
        if now_right.type == now_found.type:
            both = both or (chunk_starts(before_right, now_right) and chunk_starts(before_found, now_found))
        before_right, before_found = now_right, now_found
    if both:  # tags that are no scheme's, such as `PER` alone, which the script ends with the file only
        agreed.append(before_right.type)
    return agreed
