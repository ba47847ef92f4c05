from __future__ import annotations

import pytest

from bertkit.errors import InputError
from bertkit.labelled.find_columns import CLASSES, PAIRS, TEXTS, Columns


def columns(*there: str, **given: str) -> Columns:
    return Columns([*there, *given], given, "a.csv")


def test_the_fields_own_name_wins() -> None:
    assert columns("label", "score", "labels").find("label", CLASSES) == "label"
    assert columns("sentence", "text", "text_pair", "premise", "hypothesis").texts() == ("text", "text_pair")


def test_a_column_of_the_user_wins_over_all() -> None:
    there = columns("stars", "score", "target", label="stars", text="review", premise="p", hypothesis="h")
    assert there.find("label", CLASSES) == "label"
    assert there.texts() == ("text", None)
    assert there.shown("label") == "stars"
    assert there.shown("score") == "score"


@pytest.mark.parametrize("name", CLASSES)
def test_every_other_name_is_found_in_any_case(name: str) -> None:
    assert columns("id", name.title()).find("label", CLASSES) == name.title()


@pytest.mark.parametrize("pair", PAIRS)
def test_two_texts_that_belong_together_are_found(pair: tuple[str, str]) -> None:
    assert columns("id", *(name.upper() for name in pair)).texts() == (pair[0].upper(), pair[1].upper())


@pytest.mark.parametrize("name", TEXTS)
def test_a_text_alone_is_found(name: str) -> None:
    assert columns("id", name).texts() == (name, None)
    assert columns("text_pair", name).texts() == (name, "text_pair")


def test_several_labels_are_not_guessed_between() -> None:
    with pytest.raises(InputError) as caught:
        columns("Sentence_A", "relatedness_score", "entailment_judgment").need("label", CLASSES)
    assert str(caught.value) == (
        "a.csv: 'label' could be any of the columns 'relatedness_score', 'entailment_judgment'"
    )
    assert caught.value.remedy == "Name one: --label-column."


@pytest.mark.parametrize(
    "there", [("review", "content"), ("premise", "hypothesis", "review"), ("question", "sentence1")]
)
def test_several_texts_are_not_guessed_between(there: tuple[str, ...]) -> None:
    with pytest.raises(InputError, match="'text' could be any of the columns " + ", ".join(map(repr, there))):
        columns(*there).texts()


def test_what_is_missing_is_told_with_what_is_there() -> None:
    with pytest.raises(InputError, match=r"a.csv: no column 'text'; the columns are 'id', 'title'") as caught:
        columns("id", "title").texts()
    assert caught.value.remedy == "Name it: --text-column."
    with pytest.raises(InputError, match=r"no column 'label' \(did you mean 'lable'\?\)"):
        columns("lable").need("label", CLASSES)
    with pytest.raises(InputError, match="no column 'text_pair'; the columns are none") as caught:
        columns().need("text_pair")
    assert caught.value.remedy == "Name it: --text-pair-column."
