from __future__ import annotations

from collections.abc import Iterator

from bertkit.formats.rows import Row
from bertkit.labelled.shapes import Shape, column_of, in_shape, is_empty


def doubled(rows: Iterator[Row]) -> Iterator[Row]:
    for row in rows:
        yield row
        yield row


SHAPES = (
    Shape("never", lambda fields: False, iter),
    Shape("twice", lambda fields: "x" in fields, doubled),
    Shape("later", lambda fields: True, iter),
)


def test_the_first_shape_that_fits_makes_the_rows_and_is_said() -> None:
    rows, said = [Row({"x": 1}, "a:1"), Row({"y": 2}, "a:2")], list[str]()
    assert list(in_shape(iter(rows), SHAPES, "a", said.append)) == [rows[0], rows[0], rows[1], rows[1]]
    assert said == ["a: read as twice"]


def test_rows_of_no_shape_and_no_rows() -> None:
    rows, said = [Row({"y": 1}, "a:1")], list[str]()
    assert list(in_shape(iter(rows), SHAPES[:2], "a", said.append)) == rows
    assert list(in_shape(iter([]), SHAPES, "a", said.append)) == []
    assert said == []


def test_columns_are_found_whatever_their_case_the_first_name_first() -> None:
    assert column_of({"Tag": 1, " Word ": 2}, ("word", "tag")) == " Word "
    assert column_of({"a": 1}, ("b",)) is None


def test_what_a_cell_says_nothing_with() -> None:
    assert [is_empty(value) for value in (None, "", " \n", "a", 0, [])] == [True, True, True, False, False, False]
