"""What a benchmark needs beside bertkit, and what to do where it is not there."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

DATA = "BERTKIT_TEST_DATA"


@contextmanager
def installed(extra: str) -> Iterator[None]:
    """Imports in the block are of libraries that one of bertkit's extras brings; without them, the program ends."""
    try:
        yield
    except ModuleNotFoundError as error:
        raise SystemExit(
            f"error: {error.name} is not installed\n  → Install what benchmarks need: pip install -e '.[{extra}]'"
        ) from None


def data_folder() -> Path:
    """The folder of data sets; without one, the program ends."""
    named = os.environ.get(DATA, "")
    if not named or not Path(named).is_dir():
        what = f"{DATA} names {named!r}, which is no folder" if named else f"{DATA} is not set"
        raise SystemExit(f"error: {what}\n  → Set it to the folder of the data sets: {DATA}=FOLDER")
    return Path(named)
