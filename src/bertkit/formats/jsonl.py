"""JSON lines: one object a line."""

from __future__ import annotations

import json
from collections.abc import Iterator
from itertools import islice
from typing import IO, NoReturn

from bertkit.errors import InputError, near_match
from bertkit.formats.files import GO_ON, Line, needed, read_lines

EXAMPLE = f'Write each row as one line like {{"text": "…"}}{GO_ON}.'


def read_jsonl(file: IO[bytes], name: str, start: int = 0) -> Iterator[tuple[int, dict[str, object] | InputError]]:
    """Line number and object of each line that is not blank; in place of a bad line's object, its error.

    Args:
        start: how many lines that are not blank to skip, unread.
    """
    lines = (line for line in read_lines(file, name) if line.problem is not None or line.text.strip())
    for line in islice(lines, start, None):
        yield line.number, line.problem or _object(line, f"{name}:{line.number}")


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


def _object(line: Line, place: str) -> dict[str, object] | InputError:
    try:
        value = json.loads(line.text, parse_constant=_refuse_constant)
    except json.JSONDecodeError as error:
        return InputError(f"{place}: not valid JSON at column {error.pos + 1}: {error.msg}", EXAMPLE)
    except RecursionError:
        return InputError(f"{place}: the JSON is nested too deeply", EXAMPLE)
    except ValueError as error:  # NaN and Infinity, and integers of more than 4300 digits
        return InputError(f"{place}: not valid JSON: {error}", EXAMPLE)
    if not isinstance(value, dict):
        return InputError(f"{place}: a JSON {_kind(value)} where an object belongs", EXAMPLE)
    if "\\u" in line.text and _has_lone_surrogate(value):
        return InputError(f"{place}: half of a surrogate pair (\\ud800 to \\udfff alone) is not a character", EXAMPLE)
    return value


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
