"""Tags for words in IOB2, from whatever scheme they are written in, and from entities that are parts of a text."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from itertools import chain

from bertkit.data.tag_scheme import OUTSIDE
from bertkit.evaluation.results import Entity
from bertkit.tasks.entities import group, read_tags


def as_iob2(sentences: Sequence[Sequence[str]]) -> list[list[str]]:
    """The same entities with `B-` where one starts and `I-` where it goes on: IOB1, IOE, BIOES and BILOU become alike.

    Args:
        sentences: the tags of each; all of them together tell what a prefix is.
    """
    names = sorted(set(chain.from_iterable(sentences)))
    read = dict(zip(names, read_tags(names), strict=True))
    written = []
    for sentence in sentences:
        tags = [OUTSIDE] * len(sentence)
        for type, start, stop in group([read[tag] for tag in sentence]):
            _mark(tags, range(start, stop), type)
        written.append(tags)
    return written


def tags_of_words(words: Sequence[tuple[int, int]], entities: Sequence[Entity]) -> list[str]:
    """The tag of each word in IOB2. An entity covers the words that it overlaps; of two on a word the earlier has it.

    Args:
        words: `(start, end)` of each in the text, in code points, ascending.
        entities: in the same code points, in any order.
    """
    tags = [OUTSIDE] * len(words)
    ends = [end for _, end in words]
    for entity in sorted(entities, key=lambda one: (one.start, one.end)):
        covered = []
        for word in range(bisect_right(ends, entity.start), len(words)):
            if words[word][0] >= entity.end:
                break
            if tags[word] == OUTSIDE:
                covered.append(word)
        _mark(tags, covered, entity.label)
    return tags


def _mark(tags: list[str], words: Sequence[int], type: str) -> None:
    for word in words:
        tags[word] = f"{'B' if word == words[0] else 'I'}-{type}"
