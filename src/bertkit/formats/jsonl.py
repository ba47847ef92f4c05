"""JSON lines: one object a line."""

from __future__ import annotations

import json
from collections.abc import Iterator
from itertools import islice
from typing import IO, NoReturn

from bertkit.errors import InputError, near_match
from bertkit.formats.annotated import flattened
from bertkit.formats.files import GO_ON, Line, needed, read_lines
from bertkit.formats.notes import Note

EXAMPLE = f'Write each row as one line like {{"text": "…"}}{GO_ON}.'


Rows = Iterator[tuple[int, dict[str, object] | InputError]]


def read_jsonl(file: IO[bytes], name: str, start: int = 0) -> Rows:
    """Line number and object of each line that is not blank; in place of a bad line's object, its error.

    Args:
        start: how many lines that are not blank to skip, unread.
    """
    for number, value in _values(file, name, start):
        yield number, value if isinstance(value, InputError) else checked(value, f"{name}:{number}")


def read_annotated(file: IO[bytes], name: str, note: Note) -> Rows:
    """The same of lines that an annotation tool may have written.

    Args:
        note: takes a line about rows that are left out.
    """
    for number, value in flattened(_values(file, name), name, note):
        yield number, value if isinstance(value, InputError) else checked(value, f"{name}:{number}")


def _values(file: IO[bytes], name: str, start: int = 0) -> Iterator[tuple[int, object]]:
    lines = (line for line in read_lines(file, name) if line.problem is not None or line.text.strip())
    for line in islice(lines, start, None):
        yield line.number, line.problem or _value(line, f"{name}:{line.number}")


def read_texts(file: IO[bytes], name: str, column: str, start: int = 0) -> Iterator[tuple[int, str]]:
    """Line number and the text of one field of each object, but for the first `start` ones.

    Raises:
        InputError: a bad line, or a field that is missing or not text.
    """
    for number, values in read_jsonl(file, name, start):
        if isinstance(values, InputError):
            raise needed(values)
        text = values.get(column)
        if not isinstance(text, str):
            near = near_match(column, values, typed=False)
            problem = "the field {!r} is not text" if column in values else "no field {!r}" + near
            raise InputError(f"{name}:{number}: {problem.format(column)}", "Name the field with --text-column.")
        yield number, text


def _value(line: Line, place: str) -> object:
    try:
        value: object = json.loads(line.text, parse_constant=_refuse_constant)
    except json.JSONDecodeError as error:
        return InputError(f"{place}: not valid JSON at column {error.pos + 1}: {error.msg}", EXAMPLE)
    except RecursionError:
        return InputError(f"{place}: the JSON is nested too deeply", EXAMPLE)
    except ValueError as error:  # NaN and Infinity, and integers of more than 4300 digits
        return InputError(f"{place}: not valid JSON: {error}", EXAMPLE)
    return broken_text(value, place) or value if "\\u" in line.text else value


def checked(value: object, place: str) -> dict[str, object] | InputError:
    """A JSON value as the fields of a row, or why it is none."""
    if not isinstance(value, dict):
        return InputError(f"{place}: a JSON {_kind(value)} where an object belongs", EXAMPLE)
    return value


def broken_text(value: object, place: str) -> InputError | None:
    """What is wrong with a value whose text has half a character, as only `\\u` can write it; None where none has."""
    if not _has_lone_surrogate(value):
        return None
    return InputError(f"{place}: half of a surrogate pair (\\ud800 to \\udfff alone) is not a character", EXAMPLE)


def _refuse_constant(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is not a JSON number")


def _has_lone_surrogate(value: object) -> bool:
    try:
        json.dumps(value, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        return True
    return False


def _kind(value: object) -> str:
    if isinstance(value, list):
        return "list"
    if isinstance(value, str):
        return "string"
    if value is None or isinstance(value, bool):
        return "constant"
    return "number"
