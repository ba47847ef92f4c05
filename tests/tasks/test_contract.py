from __future__ import annotations

import numpy as np
import pytest

from bertkit.errors import InputError, UserError
from bertkit.tasks.contract import optional_text_field, place_of, text_field, texts_field


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (None, "field 'text' is null"),
        (5, "field 'text' is int, not text"),
        (["a"], "field 'text' is list, not text"),
        ("a\ud800", "field 'text' has half a surrogate pair at character 1"),
    ],
)
def test_what_is_no_text(value: object, said: str) -> None:
    with pytest.raises(InputError) as caught:
        text_field({"text": value}, "text")
    assert caught.value.what == said
    assert caught.value.remedy


def test_a_missing_field_names_those_that_there_are() -> None:
    with pytest.raises(InputError, match="no field 'text_pair'") as caught:
        text_field({"review": "x", "stars": 5}, "text_pair")
    assert "--text-pair-column; this one has 'review', 'stars'." in caught.value.remedy
    assert optional_text_field({"review": "x"}, "text_pair") is None
    assert optional_text_field({"text_pair": None}, "text_pair") is None


@pytest.mark.parametrize("given", [["a", "b"], ("a", "b"), np.array(["a", "b"]), np.array(["a", "b"], object)])
def test_several_texts_come_in_any_list(given: object) -> None:
    found = texts_field({"documents": given}, "documents")
    assert found == ["a", "b"]
    assert {type(text) for text in found} == {str}


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ("a", "field 'documents' is str, not a list"),
        ([], "field 'documents' is an empty list"),
        (["a", None], r"field 'documents\[1\]' is NoneType, not text"),
        (None, "field 'documents' is null"),
    ],
)
def test_what_is_no_list_of_texts(value: object, said: str) -> None:
    with pytest.raises(InputError, match=said):
        texts_field({"documents": value}, "documents")


def test_a_name_is_found_or_the_nearest_is_said() -> None:
    assert place_of("b", ("a", "b"), "label") == 1
    with pytest.raises(UserError, match=r"no label called 'goood' .did you mean 'good'") as caught:
        place_of("goood", ("bad", "good"), "label")
    assert caught.value.remedy == "Choose one of bad, good."
