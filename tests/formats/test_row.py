from __future__ import annotations

import dataclasses

import pytest

from bertkit.formats import rows
from bertkit.formats.row import Row


def test_a_row_is_what_it_holds_and_stays_so() -> None:
    row = Row({"text": "a"}, "f:1")
    assert row == Row({"text": "a"}, "f:1") != Row({"text": "a"}, "f:2")
    with pytest.raises(dataclasses.FrozenInstanceError):
        row.place = "f:3"  # type: ignore[misc]
    assert rows.Row is Row
