"""A file that is one JSON value."""

from __future__ import annotations

import json

from bertkit.errors import InputError
from bertkit.formats.files import name_of, open_bytes, readable


def read_json(path: str, remedy: str) -> object:
    """The value in a file, gzip undone.

    Args:
        remedy: what to do when the file is not JSON.

    Raises:
        InputError: the file cannot be read, or is not UTF-8 or not JSON; the line names the file and the place.
    """
    name = name_of(path)
    with open_bytes(path) as file, readable(name, "to its end"):
        raw = file.read()
    return json_value(raw, name, remedy)


def json_value(raw: bytes, name: str, remedy: str) -> object:
    """The value that bytes spell.

    Args:
        name: how messages call them.
        remedy: what to do when they are not JSON.

    Raises:
        InputError: they are not UTF-8 or not JSON; the line names the place.
    """
    try:
        value: object = json.loads(raw.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        raise InputError(f"{name}: not valid UTF-8 at byte {error.start + 1}", "Convert the file to UTF-8.") from None
    except json.JSONDecodeError as error:
        raise InputError(
            f"{name}:{error.lineno}: not valid JSON at column {error.colno}: {error.msg}", remedy
        ) from None
    except RecursionError:
        raise InputError(f"{name}: the JSON is nested too deeply", remedy) from None
    return value
