"""Labelled data as Python code gives it: paths, tables, rows."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from typing import TypeAlias

from bertkit.config.data_source import Source, Sources
from bertkit.formats.frames import ArrowStream, PandasFrame
from bertkit.formats.python_rows import rows_in_memory

Place: TypeAlias = str | os.PathLike[str]
Table: TypeAlias = PandasFrame | ArrowStream | Mapping[str, Sequence[object]] | Iterable[Mapping[str, object]]
Data: TypeAlias = Place | Table | Sequence[Place | PandasFrame | ArrowStream]


def sources(given: Data, name: str) -> Sources:
    """What is read as a file, or as several that are one.

    Args:
        given: a path or a list of paths; a table (a frame of pandas, what speaks Arrow, a dict of columns); rows, each
            a dict, in any iterable. In a list of paths, a frame may stand in the place of a path.
        name: how messages call rows that have no file.

    Raises:
        UserError, InputError: it is something else.
    """
    parts = given if isinstance(given, list | tuple) else ()
    if parts and all(isinstance(part, str | os.PathLike | PandasFrame | ArrowStream) for part in parts):
        return [_source(part, f"{name} {number}") for number, part in enumerate(parts, 1)]
    return _source(given, name)


def _source(given: object, name: str) -> Source:
    return os.fspath(given) if isinstance(given, str | os.PathLike) else rows_in_memory(given, name)
