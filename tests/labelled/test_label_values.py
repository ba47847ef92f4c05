from __future__ import annotations

import math

import pytest

from bertkit.errors import InputError
from bertkit.labelled.label_values import as_label, as_labels, as_list, as_number, as_text, problem_of

PLACE = "a.csv:7"


@pytest.mark.parametrize(
    ("value", "label"),
    [("good", "good"), (" good ", "good"), (1, "1"), (1.0, "1"), (-2.5, "-2.5"), (True, "true"), ("1.0", "1.0")],
)
def test_a_label_is_a_string(value: object, label: str) -> None:
    assert as_label(value, PLACE, "y") == label


@pytest.mark.parametrize(
    ("value", "told"),
    [
        (None, "no label: the field 'y' is empty"),
        ("", "the field 'y' is an empty label"),
        ("  ", "the field 'y' is an empty label"),
        (["a"], "the field 'y' is a list"),
        ('["a"]', "the field 'y' is a list"),
        ("['a', 'b']", "the field 'y' is a list"),
        (math.nan, "the field 'y' is nan, not a label"),
        ({"a": 1}, "the field 'y' is {'a': 1}, not a label"),
    ],
)
def test_what_is_no_label_is_told(value: object, told: str) -> None:
    with pytest.raises(InputError) as caught:
        as_label(value, PLACE, "y")
    assert str(caught.value) == f"{PLACE}: {told}"
    assert "--on-error" not in caught.value.remedy


@pytest.mark.parametrize(
    ("value", "labels"),
    [
        (["a", "b"], ("a", "b")),
        (["a,b"], ("a,b",)),
        ([], ()),
        ("", ()),
        (" ", ()),
        ("4,27", ("4", "27")),
        ("a, b", ("a", "b")),
        ("a|b", ("a", "b")),
        ("a;b", ("a", "b")),
        ("a|b,c", ("a|b", "c")),
        ("a", ("a",)),
        ("b,a,b", ("b", "a", "b")),
        ("1 0 1", ("1", "0", "1")),
        ("1 a", ("1 a",)),
        ("['a', 'b']", ("a", "b")),
        ("('a', 'b')", ("a", "b")),
        ("['a' 'b']", ("a", "b")),
        ("[1 0]", ("1", "0")),
        ('["x, y", "z"]', ("x, y", "z")),
        (3, ("3",)),
        ([1, 2.0], ("1", "2")),
    ],
)
def test_labels_are_a_list_or_a_string(value: object, labels: tuple[str, ...]) -> None:
    assert as_labels(value, PLACE, "y") == labels


@pytest.mark.parametrize(
    ("value", "told"),
    [
        (None, "no labels: the field 'y' is empty"),
        ("a,,b", "an empty label"),
        ("a,", "an empty label"),
        ([["a"]], "is a list"),
        (["a", None], "no label"),
        ("['a', 'b'", "not a list"),
        ('{"a": 1}', "not a list"),
    ],
)
def test_what_are_no_labels_is_told(value: object, told: str) -> None:
    with pytest.raises(InputError, match=told):
        as_labels(value, PLACE, "y")


@pytest.mark.parametrize(("value", "number"), [(3, 3.0), ("3.5", 3.5), (" -1e3 ", -1000.0)])
def test_a_number_may_be_spelt(value: object, number: float) -> None:
    assert as_number(value, PLACE, "y") == number


@pytest.mark.parametrize("value", ["nan", "inf", math.inf, "3,5", "high", True, [1.0], 10**400])
def test_what_is_no_finite_number_is_told(value: object) -> None:
    with pytest.raises(InputError, match=r"a.csv:7: the field 'y' is .*, not a finite number"):
        as_number(value, PLACE, "y")


@pytest.mark.parametrize("value", [None, ""])
def test_a_missing_number_is_told(value: object) -> None:
    with pytest.raises(InputError, match=r"a.csv:7: the field 'y' is empty"):
        as_number(value, PLACE, "y")


def test_a_list_may_be_json() -> None:
    assert as_list('["a", 1]', PLACE, "y") == ["a", 1]
    assert as_list(("a",), PLACE, "y") == ["a"]


@pytest.mark.parametrize("value", ["a b", "3", '{"a": 1}', 3, None, "x" * 100])
def test_what_is_no_list_is_told(value: object) -> None:
    with pytest.raises(InputError, match=r"a.csv:7: the field 'y' is .{1,60}, not a list") as caught:
        as_list(value, PLACE, "y")
    assert caught.value.remedy.startswith("Write it as")


def test_a_text_has_something_in_it() -> None:
    assert as_text(" a ", PLACE, "x") == " a "
    for value in (None, "", " \t\u00a0"):
        with pytest.raises(InputError, match=r"a.csv:7: the field 'x' is empty"):
            as_text(value, PLACE, "x")
    with pytest.raises(InputError, match=r"a.csv:7: the field 'x' is 3, not text"):
        as_text(3, PLACE, "x")


@pytest.mark.parametrize(
    ("values", "problem"),
    [
        (["a", "b"], "single-label"),
        (["1", "0", "1"], "single-label"),
        ([1, 0, 1.0], "single-label"),
        (["4.5", "3"], "regression"),
        ([4.5, 3], "regression"),
        ([0.5, None, ""], "regression"),
        (["4.5", "n/a"], "single-label"),
        ([["a"], []], "multi-label"),
        ([None, ["a"]], "multi-label"),
        (['["a"]', "[]"], "multi-label"),
        (["['a', 'b']"], "multi-label"),
        (["[1 0 1]"], "multi-label"),
        (["[NEG]", "(POS)"], "single-label"),
        (["4,27"], "single-label"),
        ([True, False], "single-label"),
        ([], "single-label"),
    ],
)
def test_the_labels_of_a_file_say_what_problem_they_pose(values: list[object], problem: str) -> None:
    assert problem_of(values) == problem


def test_the_problem_is_decided_as_soon_as_it_can_be() -> None:
    values = iter(["a", "b", "c"])
    problem_of(values)
    assert list(values) == ["b", "c"]
