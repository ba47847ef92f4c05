from __future__ import annotations

import pytest

from bertkit.errors import InputError
from bertkit.formats.rows import Row
from bertkit.labelled.examples import Example, Target
from bertkit.labelled.pair_labels import labels_as_scores, tells_apart


def scores(*labels: str, counted: bool = True) -> tuple[list[Target], list[str]]:
    notes: list[str] = []
    examples = [Example(Row({}, f"a:{n}"), label, str(n)) for n, label in enumerate(labels)]
    found = labels_as_scores(examples, "y", "a.csv", notes.append, counted=counted)
    return [one.target for one in found], notes


@pytest.mark.parametrize(
    ("labels", "expected"),
    [
        (("0", "1"), [0, 1]),
        (("0.0", "1.0", "01"), [0, 1, 1]),
        (("-1", "1"), [0, 1]),
        (("true", "False"), [1, 0]),
        (("Yes", "no"), [1, 0]),
        (("entailment", "not_entailment"), [1, 0]),
        (("ENTAILMENT", "Contradiction", "neutral"), [1, 0, 0.5]),
        (("entailment", "neutral"), [1, 0]),
        (("duplicate", "not duplicate", "non-duplicate"), [1, 0, 0]),
        (("similar", "dissimilar"), [1, 0]),
        (("1", "1"), [None, None]),
        (("duplicate",), [None]),
        (("0",), [0]),
        (("0", "1", "2", "3"), [0, 1, 2, 3]),
        (("0", "2.5"), [0, 2.5]),
        (("0.1", "0.9"), [0.1, 0.9]),
    ],
)
def test_labels_become_scores(labels: tuple[str, ...], expected: list[float | None]) -> None:
    assert scores(*labels)[0] == expected


def test_what_is_learnt_is_said() -> None:
    said = "the field 'y' says which pairs belong together: the cosine learns 'no' (1 pairs) as 0; 'yes' (2 pairs) as 1"
    assert scores("yes", "no", "yes")[1] == [f"a.csv: {said}"]
    assert scores("yes", "1")[1] == ["a.csv: by the field 'y' all pairs belong together"]
    assert scores("1.5", "3", "4", "0")[1] == []


@pytest.mark.parametrize(
    ("labels", "counted", "shown"),
    [
        (("sport", "news"), True, "'news', 'sport'"),
        (("entailment", "-"), True, "'-'"),
        (("0", "1", "2"), True, "'0', '1', '2'"),
        (("1", "2"), True, "'1', '2'"),
        (("yes", "3"), True, "'3'"),
        (("0", "1"), False, "'0', '1'"),
        (("0", "1", "2", "3"), False, "'0', '1', '2', '3'"),
    ],
)
def test_a_label_that_says_nothing_of_it_is_refused(labels: tuple[str, ...], counted: bool, shown: str) -> None:
    with pytest.raises(InputError) as caught:
        scores(*labels, counted=counted)
    assert str(caught.value) == f"a.csv: whether two texts belong together is not known of 'y' = {shown}"
    assert "Write 1 for pairs that belong together" in caught.value.remedy


@pytest.mark.parametrize(
    ("values", "expected"),
    [(["yes", "No"], True), (["1.0", "0"], True), (["1"], False), (["1", "2"], False), (["web", "no"], False)],
)
def test_yes_and_no_are_seen(values: list[str], expected: bool) -> None:
    assert tells_apart(values) is expected
