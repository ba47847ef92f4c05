from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.utils.class_weight import compute_class_weight

from bertkit.errors import InputError, UserError
from bertkit.formats.rows import Row
from bertkit.labelled.examples import Example, References, Tagged, Target
from bertkit.labelled.label_set import (
    balanced_weights,
    check_labels,
    check_learnable,
    collect_labels,
    count_labels,
    labels_in,
)


def tags(*names: str) -> Tagged:
    return Tagged(tuple((2 * place, 2 * place + 1) for place in range(len(names))), names)


def examples(*targets: Target) -> list[Example]:
    return [Example(Row({"text": "a"}, f"a.csv:{line}"), target, "") for line, target in enumerate(targets, 2)]


@pytest.mark.parametrize(
    ("targets", "labels"),
    [
        (["b", "a", "b", "B"], ("B", "a", "b")),
        (["10", "2", "-1", "2.5"], ("-1", "2", "2.5", "10")),
        (["10", "2", "x"], ("10", "2", "x")),
        ([("27", "4"), (), ("4",)], ("4", "27")),
        ([tags("O", "I-PER", "B-PER"), tags("I-LOC", "B-LOC", "O")], ("O", "B-LOC", "I-LOC", "B-PER", "I-PER")),
        ([tags("S-A", "E-A", "L-A", "I-A", "B-A", "U-A")], ("B-A", "I-A", "E-A", "L-A", "S-A", "U-A")),
        ([tags("VERB", "NOUN", "X-y", "I-a-b")], ("NOUN", "VERB", "X-y", "I-a-b")),
        ([], ()),
        ([3.5, 2, None, (1.0, 2.0), References(("a",), (0,))], ()),
    ],
)
def test_labels_are_in_an_order_of_their_own(targets: list[Target], labels: tuple[str, ...]) -> None:
    assert collect_labels(targets) == labels
    assert collect_labels(reversed(targets)) == labels


@given(st.lists(st.text(min_size=1)))
def test_each_label_is_there_once(labels: list[str]) -> None:
    assert sorted(collect_labels(labels)) == sorted(set(labels))
    assert sorted(collect_labels([tags(*labels)])) == sorted(set(labels))


def test_labels_in_a_target_repeat_as_it_does() -> None:
    assert labels_in(tags("O", "O")) == ("O", "O")
    assert labels_in(2) == ()


@pytest.mark.parametrize(
    ("labels", "told"),
    [
        ("aa", "only the label 'a'"),
        ("", "no label"),
        ([tags("O", "O"), tags("O")], "only the label 'O'"),
        ([1.5, 1.5], "only the number 1.5"),
        ([("a", "b"), ("a", "b")], "only the labels a, b"),
        ([(), ()], "only texts without a label"),
    ],
)
def test_what_is_alike_in_all_examples_cannot_be_learnt(labels: Sequence[Target], told: str) -> None:
    with pytest.raises(InputError) as caught:
        check_learnable(labels, "train.csv")
    assert str(caught.value) == f"train.csv: {told} in all examples: nothing to tell apart"
    assert caught.value.remedy == "Add examples that differ in it."


@pytest.mark.parametrize(
    "labels", ["ab", [1.5, 2.0], [("a",), ()], [tags("O", "B-X")], [None], [0, 0], [(1.0, 0.0)] * 2, ["1.5", "2"] * 2]
)
def test_what_differs_or_may_be_alike_can_be_learnt(labels: Sequence[Target]) -> None:
    check_learnable(labels, "train.csv")


def test_numbers_are_not_taken_for_classes() -> None:
    with pytest.raises(InputError) as caught:
        check_learnable(["1.5", "2.25", "3", "3"], "train.csv")
    assert str(caught.value) == "train.csv: 3 labels in 4 examples, all of them numbers"
    assert "--problem regression" in caught.value.remedy


def test_examples_with_known_labels_stream_through() -> None:
    given = examples("a", ("a", "b"), (), tags("a"), 3.5)
    assert list(check_labels(iter(given), ["a", "b"], "train.csv")) == given


@pytest.mark.parametrize(
    ("target", "labels", "told"),
    [
        ("positve", ("negative", "positive"), "'positve' is in no example of train.csv (did you mean 'positive'?)"),
        ("POSITIVE", ("negative", "positive"), "'POSITIVE' is in no example of train.csv (did you mean 'positive'?)"),
        ("1.0", ("0", "1"), "'1.0' is in no example of train.csv (did you mean '1'?)"),
        ("xyz", ("0", "1"), "'xyz' is in no example of train.csv"),
        (("0", "2"), ("0", "1"), "'2' is in no example of train.csv"),
        (tags("O", "B-MISC"), ("O", "I-MISC"), "'B-MISC' is in no example of train.csv (did you mean 'I-MISC'?)"),
    ],
)
def test_an_unseen_label_is_told(target: Target, labels: Sequence[str], told: str) -> None:
    checked = check_labels(examples(labels[0], target), labels, "train.csv")
    next(checked)
    with pytest.raises(InputError) as caught:
        next(checked)
    assert str(caught.value) == f"a.csv:3: the label {told}"
    assert caught.value.remedy.endswith(f"learn from examples of it; there are {', '.join(labels)}.")


def test_of_many_labels_twenty_are_named() -> None:
    with pytest.raises(InputError) as caught:
        list(check_labels(examples("x"), [str(number) for number in range(22)], "train.csv"))
    assert caught.value.remedy.endswith("there are " + ", ".join(map(str, range(20))) + " and 2 more.")


def test_counts_are_of_examples_or_of_words() -> None:
    assert count_labels(["a", "b", "a"], ["a", "b", "c"]) == (2, 1, 0)
    assert count_labels([("a", "b"), ("b",)], ["a", "b"]) == (1, 2)
    assert count_labels([tags("O", "O", "B-X")], ["O", "B-X"]) == (2, 1)


@given(st.lists(st.integers(1, 50), min_size=1, max_size=6))
def test_balanced_weights_are_those_of_scikit_learn(counts: list[int]) -> None:
    classes = np.repeat(np.arange(len(counts)), counts)
    expected = compute_class_weight("balanced", classes=np.arange(len(counts)), y=classes)
    np.testing.assert_allclose(balanced_weights(counts), expected, rtol=1e-12)


def test_a_class_without_an_example_has_no_weight() -> None:
    with pytest.raises(UserError, match="a class without an example cannot be weighed"):
        balanced_weights([3, 0])
