"""Where the rows of a command come from: its arguments, files, or standard input."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from types import MappingProxyType

from bertkit.errors import InputError, UserError
from bertkit.formats.files import STDIN
from bertkit.formats.row import Row

NOTHING: Mapping[str, str | None] = MappingProxyType({})
RowsOfTask = Callable[[str, Sequence[str]], Iterator[Row]]  # of a task's name and the fields that it reads


def input_rows(
    texts: Sequence[str] | None,
    *,
    text_pair: str | None,
    paths: Sequence[str] | None,
    format: str | None,
    columns: Mapping[str, str],
    every_row: Mapping[str, str | None] = NOTHING,
    on_bad_row: Callable[[InputError], None] | None = None,
) -> RowsOfTask:
    """The rows of TEXT arguments, else of --input, else of standard input when something is piped into it.

    How those of files are read hangs on the task, which is known when its model is: the rows are asked for then.

    Args:
        paths: files, folders and patterns.
        every_row: fields for the rows that do not have them, by options such as --question; None was not given.

    Raises:
        UserError: options that contradict each other, or no text at all.
        InputError: a file is not there.
    """
    from bertkit.formats.paths import each_path
    from bertkit.labelled.asked_rows import AskedRows
    from bertkit.terminal.messages import say

    if texts:
        if paths or format is not None or columns:
            raise UserError("TEXT arguments and options of a file are both given", "Give TEXT or --input, not both.")
        typed = _filled(_typed_rows(texts, text_pair), every_row)
        return lambda task, fields: typed
    if text_pair is not None:
        raise UserError("--text-pair without a TEXT", "Give one TEXT with it; files hold pairs in two columns.")
    if not paths:
        if sys.stdin is None or sys.stdin.isatty():
            raise UserError("no text", 'Type it (bertkit predict "some text"), name a file with -i, or pipe text in.')
        paths = [STDIN]
    asked = AskedRows(each_path(paths, say), format=format, columns=columns, on_bad_row=on_bad_row, note=say)
    return lambda task, fields: _filled(asked.of_task(task, fields), every_row)


def _filled(rows: Iterator[Row], every_row: Mapping[str, str | None]) -> Iterator[Row]:
    """The rows with the fields that were given for all of them."""
    given = {
        field: _checked(value, f"--{field.replace('_', '-')}")
        for field, value in every_row.items()
        if value is not None
    }
    return (Row({**given, **row.fields}, row.place) for row in rows) if given else rows


def _typed_rows(texts: Sequence[str], text_pair: str | None) -> Iterator[Row]:
    if text_pair is None:
        return iter(
            [Row({"text": _checked(text, f"argument {n}")}, f"argument {n}") for n, text in enumerate(texts, 1)]
        )
    if len(texts) > 1:
        raise UserError(f"--text-pair with {len(texts)} TEXT arguments", "Give one TEXT; put more pairs in a file.")
    pair = {"text": _checked(texts[0], "argument 1"), "text_pair": _checked(text_pair, "--text-pair")}
    return iter([Row(pair, "argument 1")])


def _checked(text: str, place: str) -> str:
    try:
        text.encode()
    except UnicodeEncodeError:  # Python keeps the bytes of an argument that are not UTF-8 as lone surrogates
        raise InputError(f"{place}: not valid UTF-8", "Type it in UTF-8, or read it from a file.") from None
    return text
