"""Entities found, counted as `conlleval` counts chunks: the script of the CoNLL-2000 and CoNLL-2003 shared tasks.

The script looks at two neighbouring tags at a time and asks whether a chunk ends between them, and whether one starts.
Its rules hold for IOB1, IOB2 and IOE, for `[` and `]` as chunks of one word, and for sequences that no scheme would
write. They know no `S-`, and no `B-` after `E-`: write BIOES as IOB2 first (`tasks/entities.py` reads it).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from operator import eq
from typing import NamedTuple

from bertkit.evaluation.label_counts import Counts, total

ENDS = frozenset({("B", "B"), ("B", "O"), ("I", "B"), ("I", "O"), ("E", "E"), ("E", "I"), ("E", "O")})
STARTS = frozenset({("B", "B"), ("I", "B"), ("O", "B"), ("O", "I"), ("E", "E"), ("E", "I"), ("O", "E")})
ALONE = frozenset("[]")  # always a chunk of one word
OUTSIDE = frozenset("O.")  # a type that these carry starts nothing


class Tag(NamedTuple):
    """`B-PER`: what the word is to its chunk, and the chunk's type; without a hyphen there is no type."""

    place: str
    type: str


BETWEEN_SENTENCES = Tag("O", "")


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
    correct: Counter[str] = Counter()
    found_gold: Counter[str] = Counter()
    found_predicted: Counter[str] = Counter()
    tokens = correct_tokens = 0
    for right_tags, found_tags in zip(gold, predicted, strict=True):
        right = [*map(read_tag, right_tags), BETWEEN_SENTENCES]
        found = [*map(read_tag, found_tags), BETWEEN_SENTENCES]
        found_gold.update(_started(right))
        found_predicted.update(_started(found))
        correct.update(_agreed(right, found))
        tokens += len(right) - 1
        correct_tokens += sum(map(eq, right[:-1], found[:-1]))
    types = {
        type: Counts(correct[type], found_predicted[type], found_gold[type])
        for type in sorted({*found_gold, *found_predicted})
    }
    return EntityCounts(types, tokens, correct_tokens)


def read_tag(tag: str) -> Tag:
    """A tag cut at its first hyphen."""
    place, _, type = tag.partition("-")
    return Tag(place, type)


def chunk_ends(before: Tag, tag: Tag) -> bool:
    """Whether a chunk ends between two words."""
    changes = before.place not in OUTSIDE and before.type != tag.type
    return changes or (before.place, tag.place) in ENDS or before.place in ALONE


def chunk_starts(before: Tag, tag: Tag) -> bool:
    """Whether a chunk starts between two words."""
    changes = tag.place not in OUTSIDE and before.type != tag.type
    return changes or (before.place, tag.place) in STARTS or tag.place in ALONE


def _started(tags: Sequence[Tag]) -> list[str]:
    """The type of every chunk that starts."""
    return [
        tag.type for before, tag in zip([BETWEEN_SENTENCES, *tags], tags, strict=False) if chunk_starts(before, tag)
    ]


def _agreed(right: Sequence[Tag], found: Sequence[Tag]) -> list[str]:
    """The type of every chunk that starts in both, has the same type in both, and ends in both at once."""
    agreed = []
    both = False  # inside a chunk that was the same in both so far
    before_right = before_found = BETWEEN_SENTENCES
    for now_right, now_found in zip(right, found, strict=True):
        if both:
            ends = chunk_ends(before_right, now_right), chunk_ends(before_found, now_found)
            if all(ends):
                agreed.append(before_right.type)
            if any(ends) or now_right.type != now_found.type:
                both = False
        if now_right.type == now_found.type:
            both = both or (chunk_starts(before_right, now_right) and chunk_starts(before_found, now_found))
        before_right, before_found = now_right, now_found
    return agreed
