from __future__ import annotations

import pytest

from bertkit.errors import UserError
from bertkit.tasks.fill_mask import FillMask
from bertkit.tasks.spec import LACKS, TaskSpec, loaded


def test_a_part_is_named_or_given_itself() -> None:
    assert loaded("bertkit.tasks.fill_mask:FillMask") is FillMask
    assert loaded(FillMask) is FillMask
    assert TaskSpec("mine", "bertkit.tasks.fill_mask:FillMask").task is FillMask
    assert TaskSpec("mine", FillMask).task is FillMask
    with pytest.raises(AttributeError):
        loaded("bertkit.tasks.fill_mask:FilMask")


@pytest.mark.parametrize("part", LACKS)
def test_a_part_that_is_not_there_is_said_in_words(part: str) -> None:
    with pytest.raises(UserError, match=f"^mine {LACKS[part]}$"):
        TaskSpec("mine", FillMask).load(part)
