"""Setting a part of the examples aside, to measure on what was not learnt.

The split is a function of the seed and the examples. Examples with the same text (letter case and white space put
aside) are kept together, for a text seen in training measures memory. Of pairs, the text is the first one, and a pair
stays with the same two texts the other way round; of questions, the context; of queries, the query.

A label that no example to train on would have is not held out: its texts are trained on.

Classes are spread over both sides as they are in the whole: iterative stratification (Sechidis, Tsoumakas and Vlahavas
2011, "On the stratification of multi-label data"), which with one label an example is plain stratification. Here the
number of each label that should be held out is rounded, and at least 1 on either side: of many rare classes, more than
the share asked for is held out.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from bertkit.batching.counter_random import mixed
from bertkit.errors import InputError, UserError
from bertkit.labelled.examples import Example, Target
from bertkit.labelled.label_set import labels_in
from bertkit.labelled.pair_texts import folded

ADD = "Add examples, or give others to measure on with --eval."
UNLABELLED = ""  # stands for "no label at all" of multi-label; no label is empty
_TEXT_FIELDS = ("context", "query", "text")


@dataclass(frozen=True, slots=True)
class _Group:
    """Examples of one text: their places, and how many of them have each class."""

    places: list[int]
    classes: Counter[str]


def hold_out(examples: Sequence[Example], fraction: float, seed: int) -> tuple[list[Example], list[Example]]:
    """Divides examples into those to train on and those held out, both in their order.

    With one label a text, each class that has two texts or more is on both sides; with several, as near as can be.
    Examples whose target has no class are divided by lot.

    Args:
        fraction: of the examples to hold out, in (0, 1).

    Raises:
        UserError: a fraction out of range.
        InputError: fewer than two different texts, or no label that two of them have.
    """
    if not 0 < fraction < 1:
        raise UserError(f"a share of {fraction} cannot be held out", "Choose one between 0 and 1, e.g. 0.1.")
    groups = _groups(examples)
    if len(groups) < 2:
        raise InputError(
            f"{len(groups)} different text in {len(examples)} examples: none can be held out",
            ADD,
        )
    order = np.argsort(mixed(seed, "hold out", np.arange(len(groups))), kind="stable")
    shuffled = [groups[place] for place in order]
    stratified = any(group.classes for group in groups)
    held_groups = (_stratified if stratified else _by_lot)(shuffled, len(examples), fraction)
    held = {place for group in held_groups for place in group.places}
    known = {label for place, one in enumerate(examples) if place not in held for label in labels_in(one.target)}
    for group in held_groups:
        labels = {label for place in group.places for label in labels_in(examples[place].target)}
        if not labels <= known:
            known |= labels
            held.difference_update(group.places)
    if not held:
        raise InputError("each label is that of one text: none can be held out", ADD)
    train = [example for place, example in enumerate(examples) if place not in held]
    return train, [examples[place] for place in sorted(held)]


def _groups(examples: Sequence[Example]) -> list[_Group]:
    groups: dict[str, _Group] = {}
    leaders = _leaders(examples)
    for place, example in enumerate(examples):
        group = groups.setdefault(_leader(_text(example), leaders), _Group([], Counter()))
        group.places.append(place)
        group.classes.update(_classes(example.target))
    return list(groups.values())


def _leaders(examples: Sequence[Example]) -> dict[str, str]:
    """Of texts that are in pairs both ways round, the text whose group theirs belongs to."""
    leaders: dict[str, str] = {}
    seen: set[tuple[str, str]] = set()
    for example in examples:
        if example.row.fields.get("text_pair") is not None:
            first, second = _text(example), folded(str(example.row.fields["text_pair"]))
            if (second, first) in seen and (one := _leader(first, leaders)) != (other := _leader(second, leaders)):
                leaders[one] = other
            seen.add((first, second))
    return leaders


def _leader(text: str, leaders: Mapping[str, str]) -> str:
    while text in leaders:
        text = leaders[text]
    return text


def _text(example: Example) -> str:
    fields = example.row.fields
    return folded(str(next(fields[name] for name in _TEXT_FIELDS if name in fields)))


def _classes(target: Target) -> tuple[str, ...]:
    """The classes to spread: labels of texts. Tags, spans and numbers are left to chance."""
    if isinstance(target, str):
        return (target,)
    if isinstance(target, tuple) and all(isinstance(label, str) for label in target):
        return tuple(label for label in target if isinstance(label, str)) or (UNLABELLED,)
    return ()


def _wanted(count: int, fraction: float) -> int:
    """How many of `count` to hold out: rounded, but some on each side where that can be."""
    return min(max(round(count * fraction), 1), count - 1) if count > 1 else 0


def _by_lot(groups: Sequence[_Group], examples: int, fraction: float) -> list[_Group]:
    """Groups in their order, as many as fit."""
    room, held = _wanted(examples, fraction), []
    for group in groups:
        if len(group.places) <= room:
            held.append(group)
            room -= len(group.places)
    return held or [min(groups, key=lambda group: len(group.places))]


def _stratified(groups: Sequence[_Group], examples: int, fraction: float) -> list[_Group]:
    """Label by label, the rarest first: each group goes to the side that lacks most of the label."""
    left: Counter[str] = Counter()
    having: dict[str, list[int]] = {}
    for number, group in enumerate(groups):
        left.update(group.classes)
        for label in group.classes:
            having.setdefault(label, []).append(number)
    lacking = {label: [left[label] - _wanted(left[label], fraction), _wanted(left[label], fraction)] for label in left}
    room = [examples - _wanted(examples, fraction), _wanted(examples, fraction)]
    sides: dict[str, set[int]] = {label: set() for label in left}  # on which each label is already
    held: list[_Group] = []
    todo = set(range(len(groups)))
    while +left:
        label = min(+left, key=lambda label: (left[label], label))
        open_groups = [number for number in having[label] if number in todo]
        open_groups.sort(
            key=lambda number: -groups[number].classes[label]
        )  # the large ones while there is room for them
        for number in open_groups:
            group = groups[number]
            side = max((0, 1), key=lambda side: (lacking[label][side], room[side]))
            if number == open_groups[-1] and len(sides[label]) == 1 < len(having[label]):
                side = 1 - min(sides[label])  # the last chance to have it on both
            if side == 1:
                held.append(group)
            todo.remove(number)
            room[side] -= len(group.places)
            left.subtract(group.classes)
            for one, count in group.classes.items():
                lacking[one][side] -= count
                sides[one].add(side)
    return held if 0 < len(held) < len(groups) else _by_lot(groups, examples, fraction)
