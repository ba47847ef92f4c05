from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, Literal

import pytest
from pydantic import Field

from bertkit.config.arguments import check_argument
from bertkit.errors import UserError

Count = Annotated[int, Field(ge=1)]
Word = Literal["mean", "max"]


@pytest.mark.parametrize(
    ("value", "declared"),
    [(5, Count), (None, Count | None), (1, float), ("mean", Word), (("a", "b"), Sequence[str]), (True, bool)],
)
def test_what_is_declared_passes(value: object, declared: Any) -> None:
    check_argument("it", value, declared)


@pytest.mark.parametrize(
    ("value", "declared", "remedy"),
    [
        (0, Count, "it should be greater than or equal to 1."),
        ("5", Count, "it should be a valid integer."),
        (True, Count, "it should be a valid integer."),
        (1.5, Count | None, "it should be a valid integer."),
        (float("nan"), float, "it should be a finite number."),
        ("no", bool, "it should be a valid boolean."),
        ("ab", Sequence[str], "'str' instances are not allowed as a Sequence value."),
        ("medn", Word, "it should be 'mean' or 'max'."),
    ],
)
def test_what_is_not_is_refused(value: object, declared: Any, remedy: str) -> None:
    with pytest.raises(UserError, match=r"^it is ") as caught:
        check_argument("it", value, declared)
    assert caught.value.remedy == remedy


def test_a_word_can_be_left_to_others() -> None:
    check_argument("it", "medn", Word, words=False)
    with pytest.raises(UserError):
        check_argument("it", 5, Word, words=False)
