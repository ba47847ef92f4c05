"""The labels of a set of examples: which there are, how often, what each weighs, and whether a model knows them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import partial

from bertkit.errors import InputError, UserError, near_match
from bertkit.labelled.examples import Example, Tagged, Target
from bertkit.labelled.label_values import number_in
from bertkit.tasks.tag_scheme import PLACES, Tag, is_outside, placed


def labels_in(target: Target) -> tuple[str, ...]:
    """The labels that a target names, as often as it does; none of a target that is a number, a span or nothing."""
    if isinstance(target, str):
        return (target,)
    if isinstance(target, Tagged):
        return target.tags
    if isinstance(target, tuple):
        return tuple(label for label in target if isinstance(label, str))
    return ()


def collect_labels(targets: Iterable[Target]) -> tuple[str, ...]:
    """The labels in an order that hangs on nothing but their names, for the rows of a head.

    Where all are numbers, by size (`2` before `10`). Tags: `O`, then the types by name, of each `B-` before `I-`. Else
    by name, code point by code point.
    """
    tagged = False
    found: set[str] = set()
    for target in targets:
        tagged = tagged or isinstance(target, Tagged)
        found.update(labels_in(target))
    if tagged:
        return tuple(sorted(found, key=partial(_tag_order, placed(found))))
    numbers = {label: number_in(label) for label in found}
    if all(number is not None for number in numbers.values()):
        return tuple(sorted(found, key=lambda label: (numbers[label] or 0.0, label)))
    return tuple(sorted(found))


def _tag_order(tags: Mapping[str, Tag], label: str) -> tuple[bool, str, int, str]:
    tag = tags.get(label)
    if tag is None:
        return not is_outside(label), label, -1, label
    return True, tag.type, PLACES.index(tag.place), label


def check_learnable(targets: Iterable[Target], name: str) -> None:
    """Refuses targets that there is nothing to tell apart by: of texts, one label, the same labels, or one number.

    Which document or choice is right may be alike in all examples, and teaches all the same.

    Args:
        name: how messages call the training data.

    Raises:
        InputError: all are alike; or nearly every text has a label of its own that is a number with a fraction.
    """
    count, found = 0, set[str | float | tuple[str, ...]]()
    for target in targets:
        count += 1
        if isinstance(target, Tagged):
            found.update(target.tags)
        elif isinstance(target, str | float) or (isinstance(target, tuple) and labels_in(target) == target):
            found.add(labels_in(target) if isinstance(target, tuple) else target)
        else:
            return
    if len(found) < 2:
        only = f"only {_in_words(next(iter(found)))}" if found else "no label"
        raise InputError(f"{name}: {only} in all examples: nothing to tell apart", "Add examples that differ in it.")
    numbers = [number_in(label) for label in found if isinstance(label, str)]
    fractions = any(number is not None and not number.is_integer() for number in numbers)
    if fractions and None not in numbers and 2 * len(found) > count:
        raise InputError(
            f"{name}: {len(found):,} labels in {count:,} examples, all of them numbers",
            "To learn the number, say --problem regression; else add examples of each label.",
        )


def _in_words(target: str | float | tuple[str, ...]) -> str:
    if isinstance(target, str):
        return f"the label {target!r}"
    if isinstance(target, float):
        return f"the number {target:g}"
    return f"the labels {', '.join(target)}" if target else "texts without a label"


def check_labels(examples: Iterable[Example], labels: Sequence[str], name: str) -> Iterator[Example]:
    """The same examples, streamed, each checked to have only labels that there are in the training data.

    Args:
        name: how messages call the training data.

    Raises:
        InputError: one has another label; the line names file, line and the near match.
    """
    known = frozenset(labels)
    for example in examples:
        for label in labels_in(example.target):
            if label not in known:
                raise InputError(
                    f"{example.row.place}: the label {label!r} is in no example of {name}{_nearest(label, labels)}",
                    f"Correct it, leave the row out, or learn from examples of it; there are {_listed(labels)}.",
                )
        yield example


def _nearest(label: str, labels: Sequence[str]) -> str:
    """A hint, also for what no comparison of letters sees: another case, `1.0` for `1`."""
    number = number_in(label)
    for known in labels:
        if known.casefold() == label.casefold() or (number is not None and number == number_in(known)):
            return f" (did you mean {known!r}?)"
    return near_match(label, labels)


def _listed(labels: Sequence[str]) -> str:
    shown = ", ".join(labels[:20])
    return shown if len(labels) <= 20 else f"{shown} and {len(labels) - 20} more"


def count_labels(targets: Iterable[Target], labels: Sequence[str]) -> tuple[int, ...]:
    """How often each of `labels` is in the targets: examples, or words where the targets are tags."""
    counts = Counter(label for target in targets for label in labels_in(target))
    return tuple(counts[label] for label in labels)


def balanced_weights(counts: Sequence[int]) -> tuple[float, ...]:
    """What each class weighs so that all weigh the same in sum: n / (classes · count), n the sum of the counts.

    As scikit-learn's `balanced`, after King and Zeng, "Logistic regression in rare events data" (2001).

    Raises:
        UserError: a count is zero.
    """
    if not all(count > 0 for count in counts):
        raise UserError("a class without an example cannot be weighed", "Add examples of it, or leave the class out.")
    total = sum(counts)
    return tuple(total / (len(counts) * count) for count in counts)
