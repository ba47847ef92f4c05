"""Records as JSON lines, on standard output or in a file that appears whole or not at all."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from itertools import chain, repeat
from pathlib import Path
from typing import Any, TextIO

import numpy as np

from bertkit.errors import BertkitError, OutputError


class ExactFloat(float):
    """A number that no model computed, and that is written with all its digits."""


def json_line(record: Mapping[str, object], place: str) -> str:
    """The record as one line of JSON, without the line end.

    Models compute in float32 at most, so 9 digits say a number exactly; Python's own 17 would double the size.

    Raises:
        BertkitError: a number is NaN or infinite, which JSON cannot say and no caller should have to notice.
    """
    try:
        return json_text(record)
    except FloatingPointError:
        raise BertkitError(
            f"{place}: the result holds NaN or infinity", "Try --dtype float32; the checkpoint may be damaged."
        ) from None


def json_text(value: object) -> str:
    """A value as JSON, its numbers as `json_line` has them.

    Raises:
        FloatingPointError: one is NaN or infinite.
    """
    return "".join(_pieces(value))


def _pieces(value: Any) -> Iterator[str]:
    """The value as JSON, in pieces that are put together once: vectors of tokens are megabytes a row."""
    if isinstance(value, np.ndarray):
        value = value.tolist()
    if isinstance(value, Mapping):
        for before, (key, part) in zip(chain(["{"], repeat(", ")), value.items(), strict=False):
            yield f"{before}{json.dumps(key)}: "
            yield from _pieces(part)
        yield "}" if value else "{}"
    elif isinstance(value, list | tuple):
        if value and isinstance(value[0], float) and not isinstance(value[0], ExactFloat):
            yield _vector(value)
            return
        for before, part in zip(chain(["["], repeat(", ")), value, strict=False):
            yield before
            yield from _pieces(part)
        yield "]" if value else "[]"
    elif isinstance(value, ExactFloat):
        yield json.dumps(float(value))
    elif isinstance(value, float | np.floating):
        if not np.isfinite(value):
            raise FloatingPointError
        yield str(np.float32(value))
    else:
        yield json.dumps(value, ensure_ascii=False)


def _vector(values: list[float] | tuple[float, ...]) -> str:
    # One `%` for the whole vector: five times as fast as json.dumps. `#` keeps the point, so that 1 stays a float.
    text = "[" + ", ".join(["%#.9g"] * len(values)) % tuple(values) + "]"
    text = text.replace(".,", ".0,").replace(".]", ".0]")  # nine digits before the point: JSON wants one after it
    if "n" in text:  # nan, inf
        raise FloatingPointError
    return text


@contextmanager
def open_output(path: str | None) -> Iterator[TextIO]:
    """Standard output, or a file that is there only when the block ends well.

    Raises:
        OutputError: it cannot be written.
    """
    if path is None:
        if sys.stdout is None:
            raise OutputError("standard output is closed")
        yield sys.stdout
    else:
        from bertkit.checkpoints.folders import atomic_file

        with atomic_file(Path(path), "w") as file:
            yield file
