from __future__ import annotations

import pytest

from bertkit.errors import InputError, UserError
from bertkit.formats.dialects import Dialect, dialect_of, split_format, with_delimiter


def found(head: str, format: str = "csv", *columns: str) -> tuple[str, bool]:
    dialect = dialect_of(format, head, columns, "f", lambda line: None)
    return dialect.delimiter, dialect.quoted


@pytest.mark.parametrize(
    ("head", "delimiter"),
    [
        ("text,label\na,1\n", ","),
        ("text;label\na, b,1;1\nb;0\n", ";"),
        ("text\tlabel\na;b,c\t1\n", "\t"),
        ("text|label\na|1\n", "|"),
        ('text;label\n"a;\nb";1\n', ";"),
        ("text;label\r\na;1\r\n", ";"),
        ("text;label\na;1;2\nb\n", ";"),  # rows that are bad do not hide what the header says
        ("text;label", ";"),
        ("text\nHello; world\nHi, there\n", ","),  # one column
        ("text\n", ","),
        ("", ","),
        ("\n\ntext;label\na;1\n", ";"),
        ('text;label\na;"cut off', ";"),
        ("text;label\na\u2028b;1\n", ";"),
    ],
)
def test_the_delimiter_is_that_which_divides_all_lines(head: str, delimiter: str) -> None:
    assert found(head) == (delimiter, True)


def test_two_delimiters_are_asked_about_unless_columns_are_named() -> None:
    head = "text;more,label\na;b,1\n"
    with pytest.raises(InputError, match="f: its fields could stand between ',' or ';'") as caught:
        found(head)
    assert "--delimiter" in caught.value.remedy
    assert found(head, "csv", "label") == (",", True)


@pytest.mark.parametrize(
    ("head", "quoted"),
    [
        ("text\tlabel\na\t1\n", False),
        ('text\tlabel\n"Open\t1\na "b" c\t2\n', False),
        ('text\tlabel\n"a whole quotation"\t1\n', False),  # it may stand in the text so
        ('text\tlabel\n"a ""b"" c"\t1\nd\t2\n', True),
        ('text\tlabel\n"a ""b"" c"\t1\n"d\t2\n', False),
        ('text\tlabel\n"a\nb"\t1\nc\t0\n', True),
        ('text\tlabel\n"a\tb"\t1\nc\t0\n', True),
        ('"text"\t"label"\n"a"\t"1"\n', True),
        ('"text"\t"label"\r\n"a"\t"1"\r\n', True),
    ],
)
def test_a_tsv_is_quoted_where_that_is_plain(head: str, quoted: bool) -> None:
    assert found(head, "tsv") == ("\t", quoted)


def test_a_tsv_of_commas() -> None:
    assert found("text,label\na,1\n", "tsv") == (",", True)
    assert found("text\na\n", "tsv") == ("\t", False)
    assert found("text\tlabel\na\n", "tsv") == ("\t", False)


def test_a_guess_is_said() -> None:
    said: list[str] = []
    dialect_of("csv", "a;b\n1;2\n", (), "f.csv", said.append)
    dialect_of("tsv", '"a"\t"b"\n', (), "f.tsv", said.append)
    dialect_of("csv", "a,b\n1,2\n", (), "f.csv", said.append)
    assert said == [
        "f.csv: its fields stand between ';'",
        "f.tsv: its fields stand between '\\t', and may be quoted; "
        '--format tsv --delimiter tab reads " as a character',
    ]


@pytest.mark.parametrize(
    ("format", "delimiter", "whole"),
    [
        (None, None, None),
        ("jsonl", None, "jsonl"),
        (None, ";", "csv:;"),
        ("csv", "semicolon", "csv:;"),
        ("tsv", "tab", "tsv:\t"),
        ("csv", "\\t", "csv:\t"),
        (None, ":", "csv::"),
    ],
)
def test_a_delimiter_that_is_named(format: str | None, delimiter: str | None, whole: str | None) -> None:
    assert with_delimiter(format, delimiter) == whole
    if whole is not None and delimiter is not None:
        kind, one = split_format(whole)
        assert dialect_of(whole, "a,b\n", (), "f", print) == Dialect(str(one), quoted=kind == "csv")


@pytest.mark.parametrize(("format", "delimiter"), [(None, ";;"), (None, ""), (None, '"'), ("jsonl", ";"), (None, "\n")])
def test_what_is_no_delimiter(format: str | None, delimiter: str) -> None:
    with pytest.raises(UserError):
        with_delimiter(format, delimiter)
