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
    try:
        value: object = json.loads(raw.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        raise InputError(f"{name}: not valid UTF-8 at byte {error.start + 1}", "Convert the file to UTF-8.") from None
    except json.JSONDecodeError as error:
        raise InputError(
            f"{name}:{error.lineno}: not valid JSON at column {error.colno}: {error.msg}", remedy
        ) from None
    return value
