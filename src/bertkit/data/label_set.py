"""The labels of a set of examples: which there are, how often, what each should weigh, and whether a model knows them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

from bertkit.data.examples import Example, Tagged, Target
from bertkit.data.label_values import number_in
from bertkit.errors import InputError, UserError, near_match

OUTSIDE = "O"
_PREFIXES = "BIELSU"  # begin, inside, end or last, single or unit: IOB2, IOBES, BILOU


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

    Where all are numbers, by size (`2` before `10`). Tags: `O`, then the types by name, of each `B-` before `I-`. Else by
    name, code point by code point.
    """
    tagged = False
    found: set[str] = set()
    for target in targets:
        tagged = tagged or isinstance(target, Tagged)
        found.update(labels_in(target))
    if tagged:
        return tuple(sorted(found, key=_tag_order))
    numbers = {label: number_in(label) for label in found}
    if all(number is not None for number in numbers.values()):
        return tuple(sorted(found, key=lambda label: (numbers[label] or 0.0, label)))
    return tuple(sorted(found))


def _tag_order(tag: str) -> tuple[bool, str, int, str]:
    prefix, dash, kind = tag.partition("-")
    if dash and len(prefix) == 1 and prefix in _PREFIXES:
        return True, kind, _PREFIXES.index(prefix), tag
    return tag != OUTSIDE, tag, -1, tag


def check_learnable(labels: Sequence[str], name: str) -> None:
    """Refuses labels that there is nothing to tell apart by.

    Not for multi-label, where one label is there or not.

    Args:
        name: how messages call the training data.

    Raises:
        InputError: there are fewer than two.
    """
    if len(labels) < 2:
        found = f"only the label {labels[0]!r}" if labels else "no label"
        raise InputError(f"{name}: {found} in all examples: nothing to tell apart", "Add examples of another label.")


def check_labels(examples: Iterable[Example], labels: Sequence[str]) -> Iterator[Example]:
    """The same examples, streamed, each checked to have only labels that the model has.

    Raises:
        InputError: one has another label; the line names file, line and the near match.
    """
    known = frozenset(labels)
    for example in examples:
        for label in labels_in(example.target):
            if label not in known:
                raise InputError(
                    f"{example.row.place}: the label {label!r} is not one of the model's{_nearest(label, labels)}",
                    f"Correct it or leave the row out; the model has {_listed(labels)}.",
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

    The heuristic of King and Zeng, "Logistic regression in rare events data" (2001), as scikit-learn's `balanced`.

    Raises:
        UserError: a count is zero.
    """
    if not all(count > 0 for count in counts):
        raise UserError("a class without an example cannot be weighed", "Add examples of it, or leave the class out.")
    total = sum(counts)
    return tuple(total / (len(counts) * count) for count in counts)
