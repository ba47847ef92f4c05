from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bertkit.terminal.tables import fitting, shorten, table


@pytest.mark.parametrize(
    ("text", "short"),
    [("abc", "abc  "), ("abcde", "abcde"), ("abcdef", "abcd…"), ("日本", "日本 "), ("日本語", "日本…"), ("", "     ")],
)
def test_shorten_counts_terminal_cells(text: str, short: str) -> None:
    assert shorten(text, 5) == short


@given(st.text(), st.integers(1, 20))
def test_shorten_always_fills_exactly(text: str, cells: int) -> None:
    short = shorten(text, cells)
    width = sum(0 if unicodedata.combining(c) else 2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in short)
    assert width == cells
    assert all(character.isprintable() for character in short)


def test_a_table_is_as_wide_as_its_widest_cells() -> None:
    assert table(("a", "b"), [("long", "1"), ("x", "日本")], indent="") == "a     b\nlong  1\nx     日本"


def test_a_table_that_is_wider_than_the_terminal_is_a_block_for_each_row() -> None:
    header, rows = ("run", "state", "loss"), [("first", "done", "1.25"), ("second", "running", "2.5")]
    assert fitting(header, rows, None) == fitting(header, rows, 22) == table(header, rows, indent="")
    assert fitting(header, rows, 20) == (
        "run    first\nstate  done\nloss   1.25\n\nrun    second\nstate  running\nloss   2.5"
    )
