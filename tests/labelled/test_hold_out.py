from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bertkit.errors import InputError, UserError
from bertkit.formats.rows import Row
from bertkit.labelled.examples import Example, References, Tagged, Target
from bertkit.labelled.hold_out import hold_out
from bertkit.labelled.label_set import labels_in


def examples(targets: Sequence[Target], texts: Sequence[str] | None = None, field: str = "text") -> list[Example]:
    named = texts or [f"text {place}" for place in range(len(targets))]
    return [
        Example(Row({field: text}, f"a:{place}"), target, str(place))
        for place, (target, text) in enumerate(zip(targets, named, strict=True))
    ]


def ids(found: Sequence[Example]) -> list[int]:
    return [int(example.id) for example in found]


def counts(found: Sequence[Example]) -> Counter[str]:
    return Counter(label for example in found for label in labels_in(example.target))


def test_both_sides_keep_the_order_and_nothing_is_lost() -> None:
    given = examples(["a", "b"] * 50)
    train, held = hold_out(given, 0.2, seed=3)
    assert (len(train), len(held)) == (80, 20)
    assert ids(train) == sorted(ids(train))
    assert ids(held) == sorted(ids(held))
    assert sorted(ids(train) + ids(held)) == list(range(100))


def test_the_seed_alone_decides() -> None:
    given = examples(["a", "b"] * 50)
    assert hold_out(given, 0.2, seed=3) == hold_out(given, 0.2, seed=3)
    splits = {tuple(ids(hold_out(given, 0.2, seed=seed)[1])) for seed in range(10)}
    assert len(splits) == 10


def test_every_example_is_held_out_about_as_often() -> None:
    given = examples(["a"] * 15 + ["b"] * 5)
    times = Counter(place for seed in range(300) for place in ids(hold_out(given, 0.2, seed)[1]))
    assert set(times) == set(range(20))
    assert min(times.values()) > 30  # expected 60, standard deviation 6.9
    assert max(times.values()) < 90


def test_classes_are_divided_in_proportion() -> None:
    train, held = hold_out(examples(["a"] * 90 + ["b"] * 30 + ["c"] * 4 + ["d"]), 0.1, seed=0)
    assert counts(held) == {"a": 9, "b": 3, "c": 1}
    assert counts(train) == {"a": 81, "b": 27, "c": 3, "d": 1}


@given(
    st.lists(st.tuples(st.sampled_from("abcd"), st.integers(0, 3)), min_size=2, max_size=40),
    st.floats(0.01, 0.99),
    st.integers(0, 2**64 - 1),
)
def test_a_class_of_two_texts_is_on_both_sides(rows: list[tuple[str, int]], fraction: float, seed: int) -> None:
    texts = [f"{label} {text}" for label, text in rows]
    if len(set(texts)) == len({text[0] for text in texts}):
        return  # no class that could be on both sides
    train, held = hold_out(examples([label for label, _ in rows], texts), fraction, seed)
    assert train
    assert held
    assert len(train) + len(held) == len(rows)
    for label in "abcd":
        if len({text for text in texts if text.startswith(label)}) > 1:
            assert counts(train)[label]
            assert counts(held)[label]
    assert not {e.row.fields["text"] for e in train} & {e.row.fields["text"] for e in held}


@given(
    st.lists(st.lists(st.sampled_from("abcdef"), unique=True).map(tuple), min_size=20, max_size=60),
    st.integers(0, 1000),
)
def test_several_labels_are_divided_about_in_proportion(targets: list[tuple[str, ...]], seed: int) -> None:
    given = examples(targets)
    train, held = hold_out(given, 0.25, seed)
    assert len(train) + len(held) == len(given)
    whole = counts(given)
    for label, count in counts(held).items():
        assert abs(count - whole[label] * 0.25) <= 5


def test_examples_without_any_label_are_divided_too() -> None:
    train, held = hold_out(examples([()] * 40 + [("a",)] * 40), 0.25, seed=0)
    assert sum(example.target == () for example in held) == 10
    assert sum(example.target == () for example in train) == 30


@pytest.mark.parametrize("field", ["text", "context", "query"])
def test_the_same_text_is_on_one_side(field: str) -> None:
    texts = [f"Text  {place // 3}" if place % 3 else f"text {place // 3}\n" for place in range(60)]
    train, held = hold_out(examples([References((), ())] * 60, texts, field), 0.2, seed=1)
    assert {place // 3 for place in ids(train)} & {place // 3 for place in ids(held)} == set()
    assert len(held) == 12


def test_a_pair_is_on_one_side_both_ways_round() -> None:
    pairs = [(f"a{n}", f"b{n}") for n in range(20)]
    rows = [*pairs, *((second.upper(), first) for first, second in pairs), ("b0", "b1"), ("b1", "b0"), ("c", "c")]
    given = [Example(Row({"text": one, "text_pair": two}, "a"), None, str(n)) for n, (one, two) in enumerate(rows)]
    for seed in range(5):
        train, held = hold_out(given, 0.2, seed)
        both = [
            {frozenset(str(text).lower() for text in one.row.fields.values()) for one in side} for side in (train, held)
        ]
        assert both[0].isdisjoint(both[1])
        assert held


@pytest.mark.parametrize("target", [3.5, None, 1, (1.0, 0.0), References(("a",), (0,)), Tagged(((0, 1),), ("O",))])
def test_targets_without_classes_are_divided_by_lot(target: Target) -> None:
    train, held = hold_out(examples([target] * 30), 0.1, seed=0)
    assert (len(train), len(held)) == (27, 3)
    assert ids(held) != ids(hold_out(examples([target] * 30), 0.1, seed=1)[1])


def test_a_label_of_one_text_is_trained_on() -> None:
    with pytest.raises(InputError, match="each label is that of one text: none can be held out"):
        hold_out(examples(list("abcdefghij")), 0.2, seed=0)
    for seed in range(10):
        train, held = hold_out(examples([Tagged(((0, 1),), (tag,)) for tag in "OOOOOX"]), 0.5, seed)
        assert 5 in ids(train)
        assert held


def test_a_text_larger_than_the_share_is_held_out_only_if_it_must() -> None:
    train, held = hold_out(examples([None] * 10, ["a"] * 9 + ["b"]), 0.1, seed=0)
    assert ids(held) == [9]
    train, held = hold_out(examples([None] * 4, ["a", "a", "b", "b"]), 0.1, seed=0)
    assert (len(train), len(held)) == (2, 2)


@pytest.mark.parametrize("fraction", [0, 1, -0.1, 2, float("nan")])
def test_a_share_out_of_range_is_refused(fraction: float) -> None:
    with pytest.raises(UserError, match=f"a share of {fraction} cannot be held out"):
        hold_out(examples(["a", "b"]), fraction, seed=0)


@pytest.mark.parametrize("count", [0, 1, 5])
def test_one_text_cannot_be_divided(count: int) -> None:
    texts = "0 different text in 0" if count == 0 else f"1 different text in {count}"
    with pytest.raises(InputError, match=f"{texts} examples: none can be held out"):
        hold_out(examples(["a"] * count, ["same"] * count), 0.1, seed=0)
