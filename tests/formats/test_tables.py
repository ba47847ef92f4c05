from __future__ import annotations

import csv
import io
from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bertkit.errors import InputError
from bertkit.formats.tables import read_table


def buffered(data: bytes) -> io.BufferedReader:
    return io.BufferedReader(io.BytesIO(data))  # type: ignore[arg-type]


def read(
    data: bytes, format: str = "csv", columns: Mapping[str, str] | None = None
) -> list[tuple[int, dict[str, object] | str]]:
    rows = read_table(buffered(data), "f", columns or {}, format)
    return [(number, str(values) if isinstance(values, InputError) else values) for number, values in rows]


def test_a_quoted_field_may_hold_commas_quotes_and_line_ends() -> None:
    data = b'text,label\r\n"a, ""b""\nc",1\r\nd,2\r\n'
    assert read(data) == [(2, {"text": 'a, "b"\nc', "label": "1"}), (4, {"text": "d", "label": "2"})]


def test_a_quote_in_a_tsv_is_a_character() -> None:
    assert read(b'text\tlabel\n"Open\t1\na "b" c\t2\n', "tsv") == [
        (2, {"text": '"Open', "label": "1"}),
        (3, {"text": 'a "b" c', "label": "2"}),
    ]


def test_empty_lines_are_skipped_and_counted() -> None:
    assert read(b"\ntext\n\na\n\n") == [(4, {"text": "a"})]


def test_a_wrong_number_of_fields_is_an_error_of_its_row() -> None:
    assert read(b"a,b\n1,2\n1\n1,2,3\n4,5\n") == [
        (2, {"a": "1", "b": "2"}),
        (3, "f:3: 1 fields where the file has 2 columns"),
        (4, "f:4: 3 fields where the file has 2 columns"),
        (5, {"a": "4", "b": "5"}),
    ]


def test_bad_quoting_is_an_error_of_its_row() -> None:
    rows = read(b'text\n"a"b\nnext\n')
    assert rows[0][0] == 2
    assert str(rows[0][1]).startswith("f:2: not valid CSV: ")
    assert rows[-1] == (3, {"text": "next"})


def test_a_quote_that_never_closes_names_the_line_it_opens_on() -> None:
    assert read(b'text\na\n"b\nc\nd\n')[-1] == (3, "f:3: not valid CSV: unexpected end of data")


def test_bytes_that_are_not_utf8_are_an_error_of_their_row() -> None:
    assert read(b'text\na\n"b\n\xff"\nc\n') == [
        (2, {"text": "a"}),
        (3, "f:4: not valid UTF-8 (byte 0xff at byte 1 of the line)"),
        (5, {"text": "c"}),
    ]


def test_fields_longer_than_the_csv_module_allows_are_read() -> None:
    ((_, values),) = read(b"text\n" + b"x" * 200_000 + b"\n")
    assert values == {"text": "x" * 200_000}


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "f: empty, not even a header line"),
        (b"\n\n", "f: empty, not even a header line"),
        (b"a,b,a\n1,2,3\n", "f:1: the header names the column 'a' twice"),
        (b"\xff,b\n1,2\n", "f:1: not valid UTF-8"),
        (b"review,stars\nx,1\n", "f:1: no column 'text'; the columns are 'review', 'stars'"),
    ],
)
def test_a_file_without_a_usable_header_is_refused_whole(data: bytes, message: str) -> None:
    with pytest.raises(InputError) as caught:
        read(data, columns={"text": "text"})
    assert str(caught.value).startswith(message)


def test_numbers_for_columns_mean_that_there_is_no_header() -> None:
    rows = read(b"gj04\t1\t\tThe sailors rode.\ngj05\t0\t*\tThe sailors.\n", "tsv", {"text": "4"})
    assert rows[0] == (1, {"1": "gj04", "2": "1", "3": "", "4": "The sailors rode."})
    assert rows[1][0] == 2


def test_a_number_beyond_the_columns_lists_those_there_are() -> None:
    with pytest.raises(InputError, match=r"f:1: no column '3'.*; the columns are '1', '2'"):
        read(b"a,b\n", columns={"text": "3"})


cell = st.text(st.characters(blacklist_categories=["Cs"], blacklist_characters="\0\r"), max_size=8)


@given(st.lists(st.lists(cell, min_size=2, max_size=2), max_size=5))
def test_what_the_csv_module_writes_is_read_back(records: list[list[str]]) -> None:
    written = io.StringIO()
    csv.writer(written, quoting=csv.QUOTE_ALL).writerows([["a", "b"], *records])
    read_back = [values for _, values in read(written.getvalue().encode())]
    assert read_back == [dict(zip("ab", record, strict=True)) for record in records]
