"""Tags for words in IOB2, from whatever scheme they are written in, and from entities that are parts of a text."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import replace
from itertools import chain

from bertkit.labelled.examples import Example, Tagged
from bertkit.metrics.results import PredictedEntity
from bertkit.tasks.entities import group, read_tags
from bertkit.tasks.tag_scheme import OUTSIDE


def in_iob2(examples: Sequence[Example], labels: Sequence[str]) -> list[Example]:
    """The examples with their words' tags in IOB2; those with another target as they are.

    Args:
        labels: of the model that is measured. Where they include the examples' tags, they tell more of what a letter is
            than the few tags that a small file may have.
    """
    written = iter(as_iob2([one.target.tags for one in examples if isinstance(one.target, Tagged)], labels))
    return [
        replace(one, target=replace(one.target, tags=tuple(next(written)))) if isinstance(one.target, Tagged) else one
        for one in examples
    ]


def as_iob2(sentences: Sequence[Sequence[str]], labels: Sequence[str] = ()) -> list[list[str]]:
    """The same entities with `B-` where one starts and `I-` where it goes on, whatever scheme they are written in.

    Args:
        sentences: the tags of each; all of them together tell what a letter is.
        labels: tell it where all tags are among them.
    """
    names = sorted(set(chain.from_iterable(sentences)))
    if set(names) <= set(labels):
        names = list(labels)
    read = dict(zip(names, read_tags(names), strict=True))
    written = []
    for sentence in sentences:
        tags = [OUTSIDE] * len(sentence)
        for type, start, stop in group([read[tag] for tag in sentence]):
            _mark(tags, range(start, stop), type)
        written.append(tags)
    return written


def types_of(labels: Sequence[str]) -> set[str]:
    """The types of entities that a set of labels can say."""
    return {tag.type for tag in read_tags(labels) if tag is not None}


def tags_of_words(words: Sequence[tuple[int, int]], entities: Sequence[PredictedEntity]) -> list[str]:
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
