"""Warnings about training examples that can be learnt from but look wrong: a line each, for the user."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

from bertkit.formats.notes import listed
from bertkit.labelled.examples import Example, References, Tagged, Target
from bertkit.labelled.label_set import labels_in
from bertkit.labelled.label_values import SEPARATORS, number_in
from bertkit.labelled.shared_texts import Shared, input_of, shared_texts

SHOWN = 5  # groups of labels in one line
NO_LABEL = frozenset(("-", "--", "?", "n/a", "#n/a", "null"))  # SNLI has `-` where its annotators do not agree
_BETWEEN = re.compile(r"(?<=\w)[\s_-]+(?=\w)")


@dataclass(frozen=True, slots=True)
class Doubts:
    """What is odd.

    Attributes:
        lines: one for each kind of thing.
        shared: what is measured on and learnt from, which the lines say as well.
    """

    lines: tuple[str, ...]
    shared: Shared


def doubts(train: Sequence[Example], held_out: Sequence[Example]) -> Doubts:
    """What is odd in examples to learn from and to measure on, at least one of each."""
    shared = shared_texts(train, held_out)
    lines = (*_of_labels(train), *_of_conflicts(train), *_of_rankings(held_out), *shared.in_words())
    return Doubts(lines, shared)


def _of_labels(train: Sequence[Example]) -> Iterator[str]:
    counts = Counter(label for one in train for label in labels_in(one.target))
    alike = [labels for labels in near_equal(counts) if len(labels) > 1]
    if alike:
        shown = "; ".join(
            " and ".join(f"{label!r} ({counts[label]:,})" for label in labels) for labels in alike[:SHOWN]
        )
        yield f"labels that are nearly the same are learnt as different ones: {shown}{_more(len(alike) - SHOWN)}"
    several = _several(counts)
    if several:
        yield f"labels such as {listed(several, 3)} look like several in one; if they are, say --problem multi-label"
    unsaid = sorted(label for label in counts if label.casefold() in NO_LABEL)
    if "-1" in counts and not all(number_in(label) is not None for label in counts):
        unsaid.append("-1")  # among names, the number of no class
    if unsaid:
        times = sum(counts[label] for label in unsaid)
        yield f"{listed(unsaid)} ({times:,}) is learnt as a label; where it stands for no label, leave these rows out"


def _of_conflicts(train: Sequence[Example]) -> Iterator[str]:
    conflicts = _conflicts(train)
    if conflicts:
        first, second = conflicts[0]
        yield (
            f"{len(conflicts):,} text{'s have' if len(conflicts) > 1 else ' has'} more than one answer to learn: "
            f"{_shown(first.target)} at {first.row.place}, {_shown(second.target)} at {second.row.place}"
            f"{_more(len(conflicts) - 1)}"
        )


def _of_rankings(held_out: Sequence[Example]) -> Iterator[str]:
    ranked = [one.target for one in held_out if "query" in one.row.fields and isinstance(one.target, tuple)]
    alike = sum(len(set(relevances)) < 2 for relevances in ranked)
    if alike:
        which = "have one document, or documents that are all as good as each other"
        yield f"{alike:,} of {len(ranked):,} queries to measure on {which}: their ranking says nothing"


def _several(labels: Collection[str]) -> list[str]:
    """Labels that are made of few parts, which come again and again."""
    for mark in (*SEPARATORS, " "):
        made = sorted(label for label in labels if mark in label)
        parts = {part.strip() for label in labels for part in label.split(mark)}
        if len(made) > 1 and len(parts) < len(labels) and (mark != " " or parts <= {"0", "1"}):
            return made
    return []


def near_equal(labels: Collection[str]) -> list[list[str]]:
    """Labels in groups: alike but for letter case, what is between words, and how a number is written."""
    groups = defaultdict(list)
    for label in sorted(labels):
        number = number_in(label)
        groups[_BETWEEN.sub(" ", label.casefold()) if number is None else number].append(label)
    return list(groups.values())


def _conflicts(train: Sequence[Example]) -> list[tuple[Example, Example]]:
    """The first two examples of each input that has several targets."""
    firsts: dict[str, Example] = {}
    found: dict[str, tuple[Example, Example]] = {}
    for example in train:
        if example.target is not None and "query" not in example.row.fields:  # whose documents are others each time
            key = input_of(example)
            first = firsts.setdefault(key, example)
            if key not in found and _contradict(first.target, example.target):
                found[key] = (first, example)
    return list(found.values())


def _contradict(one: Target, other: Target) -> bool:
    """Whether two answers cannot both be right. Of several labels, their order says nothing."""
    if isinstance(one, References) and isinstance(other, References):
        return one.texts != other.texts and {*one.texts}.isdisjoint(other.texts)
    if isinstance(one, Tagged) and isinstance(other, Tagged):
        return one.tags != other.tags
    return {*one} != {*other} if isinstance(one, tuple) and isinstance(other, tuple) else one != other


def _shown(target: Target) -> str:
    if isinstance(target, Tagged):
        return "its tags"
    if isinstance(target, References):
        return listed(list(target.texts)) or "no answer"
    if isinstance(target, tuple):
        return ", ".join(map(str, target)) or "no label"
    return f"{target:g}" if isinstance(target, int | float) else repr(target)


def _more(count: int) -> str:
    return f"; and {count:,} more" if count > 0 else ""
