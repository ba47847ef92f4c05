from __future__ import annotations

import pytest

from bertkit.formats.rows import Row
from bertkit.labelled.doubts import doubts, near_equal
from bertkit.labelled.examples import Example, References, Tagged, Target

ELSEWHERE = [Example(Row({"text": "elsewhere"}, "b:1"), "x", "0")]


def examples(*targets: Target, texts: str | None = None) -> list[Example]:
    named = texts or "".join(map(chr, range(97, 97 + len(targets))))
    return [
        Example(Row({"text": text}, f"a:{n}"), target, str(n))
        for n, (text, target) in enumerate(zip(named, targets, strict=True), 1)
    ]


def said(*targets: Target, texts: str | None = None) -> list[str]:
    return list(doubts(examples(*targets, texts=texts), ELSEWHERE).lines)


@pytest.mark.parametrize(
    "labels",
    [
        ("Pos", "pos"),
        ("0", "0.0"),
        ("3", "03"),
        ("true", "True"),
        ("not spam", "not_spam"),
        ("B-PER", "B-per"),
        ("e-mail", "E mail"),
    ],
)
def test_labels_that_are_nearly_the_same(labels: tuple[str, str]) -> None:
    one, other = sorted(labels)
    expected = f"labels that are nearly the same are learnt as different ones: {one!r} (2) and {other!r} (1)"
    assert said(one, other, "x", one) == [expected]
    assert said(("x", one), (one,), (other,)) == [expected]
    assert said(Tagged(((0, 1), (1, 2)), (one, one)), Tagged(((0, 1),), (other,))) == [expected]


def test_many_groups_are_cut_short() -> None:
    labels = [f"{kind}{letter}" for letter in "abcdefg" for kind in ("x", "X")]
    (line,) = said(*labels)
    assert line.endswith("'Xe' (1) and 'xe' (1); and 2 more")


def test_labels_that_differ_are_no_matter() -> None:
    assert near_equal(["A", "A-", "A+", "1", "2", "-1"]) == [["-1"], ["1"], ["2"], ["A"], ["A+"], ["A-"]]
    assert said("A", "A-", "A+", "New York, NY", "Boston, MA", "Austin, TX") == []
    assert said("-1", "0", "1") == []
    assert said(0.5, 1.5) == said(None, None) == []


@pytest.mark.parametrize("label", ["-", "?", "N/A", "null", "-1"])
def test_what_stands_for_no_label(label: str) -> None:
    expected = f"{label!r} (2) is learnt as a label; where it stands for no label, leave these rows out"
    assert said(label, "entailment", label) == [expected]


@pytest.mark.parametrize("labels", [("a", "b", "c", "a|b", "b|c"), ("0,1", "1,0", "1,1"), ("1 0 0", "0 1 0", "0 0 1")])
def test_several_labels_in_one_string(labels: tuple[str, ...]) -> None:
    (line,) = said(*labels)
    assert line.endswith("look like several in one; if they are, say --problem multi-label")


@pytest.mark.parametrize(
    ("one", "other", "shown"),
    [
        ("x", "y", ("'x'", "'y'")),
        (1.5, 2.0, ("1.5", "2")),
        (("x", "y"), (), ("x, y", "no label")),
        (1, 2, ("1", "2")),
        (References(("a",), (0,)), References((), ()), ("'a'", "no answer")),
        (Tagged(((0, 1),), ("O",)), Tagged(((0, 1),), ("B-X",)), ("its tags", "its tags")),
    ],
)
def test_one_text_with_two_answers(one: Target, other: Target, shown: tuple[str, str]) -> None:
    expected = f"1 text has more than one answer to learn: {shown[0]} at a:1, {shown[1]} at a:3"
    assert said(one, one, other, other, texts="AbaA") == [expected]
    assert said(one, one, texts="aa") == []


def test_answers_that_can_both_be_right() -> None:
    assert said(("x", "y"), ("y", "x"), texts="aa") == []
    assert said(References(("a", "b"), (0, 1)), References(("b",), (1,)), texts="aa") == []
    assert said(References((), ()), References((), ()), texts="aa") == []


def test_several_texts_with_two_answers_are_counted() -> None:
    (line,) = said("x", "y", "x", "y", texts="aabb")
    assert line == "2 texts have more than one answer to learn: 'x' at a:1, 'y' at a:2; and 1 more"


def test_queries_that_nothing_can_be_ranked_for() -> None:
    rows = [("q", (1.0, 0.0)), ("r", (1.0,)), ("s", (0.0, 0.0))]
    held_out = [Example(Row({"query": query}, "b:1"), target, "0") for query, target in rows]
    (line,) = doubts([Example(Row({"query": "t"}, "a:1"), (1.0,), "0")], held_out).lines
    assert line.startswith("2 of 3 queries to measure on have one document, or documents that are all as good")


def test_what_is_measured_on_is_also_learnt_from() -> None:
    found = doubts(examples("x", "y"), examples("x"))
    assert found.lines == tuple(found.shared.in_words())
    assert found.shared.examples == 1
