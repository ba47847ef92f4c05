from __future__ import annotations

import pytest

from bertkit.errors import InputError
from bertkit.formats.columns import check_columns, pick


def test_a_missing_column_names_its_option() -> None:
    with pytest.raises(InputError, match=r"^f:1: no column 'b'; the columns are none") as caught:
        check_columns([], {"text_pair": "b"}, "f:1")
    assert caught.value.remedy == "Name one of them with --text-pair-column."


def test_columns_that_are_there_pass() -> None:
    check_columns(["a", "b"], {"text": "b"}, "f:1")


def test_pick_adds_fields_and_leaves_its_argument_alone() -> None:
    values: dict[str, object] = {"a": 1, "b": 2}
    assert pick(values, {"text": "b"}) == {"a": 1, "b": 2, "text": 2}
    assert values == {"a": 1, "b": 2}
