"""JSON lines: one object a line."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import IO, NoReturn

from bertkit.data.files import Line, read_lines
from bertkit.errors import InputError

EXAMPLE = 'Write each row as one line like {"text": "…"}, or go on without the bad rows with --on-error record.'


def read_jsonl(file: IO[bytes], name: str) -> Iterator[tuple[int, dict[str, object] | InputError]]:
    """Line number and object of each line that is not blank; in place of a bad line's object, its error."""
    for line in read_lines(file, name):
        if line.problem is not None:
            yield line.number, line.problem
        elif line.text.strip():
            yield line.number, _object(line, f"{name}:{line.number}")


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
