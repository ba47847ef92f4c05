"""Locks on folders, and what killed work left half written, in the folder that one is in and a little below it."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path

from bertkit.checkpoints.locks import LOCK
from bertkit.doctor.facts import Lock

DEPTH = 2
MOST_ENTRIES = 5_000  # that are looked at: a folder may hold millions
UNFINISHED = re.compile(r"\..+\.[0-9a-f]{8}\.(tmp|old)")  # `sibling` of `checkpoints/durable.py` makes such names


def locks_below(folder: Path, held: Path = Path("/proc/locks")) -> tuple[Lock, ...]:
    """The locks, each with the process that has it.

    Args:
        held: where Linux lists them. Taking one to see whether it is free would keep out a run that starts just then.
    """
    table = _held(held)
    found = []
    for path in _entries(folder, DEPTH):
        if path.name == LOCK:
            try:
                found.append(Lock(str(path.parent), None if table is None else table.get(path.stat().st_ino, 0)))
            except OSError:  # it has just been let go
                continue
    return tuple(found)


def unfinished_below(folder: Path) -> tuple[str, ...]:
    """Temporary files and folders of work that was killed, or is still under way."""
    return tuple(str(path) for path in _entries(folder, DEPTH) if UNFINISHED.fullmatch(path.name))


def _entries(folder: Path, depth: int) -> Iterator[Path]:
    left = MOST_ENTRIES
    waiting = [(folder, depth)]
    while waiting and left > 0:
        here, deeper = waiting.pop()
        try:
            with os.scandir(here) as entries:
                for entry in entries:
                    left -= 1
                    if left < 0:
                        return
                    yield Path(entry.path)
                    if deeper and entry.is_dir(follow_symlinks=False) and not entry.name.startswith("."):
                        waiting.append((Path(entry.path), deeper - 1))
        except OSError:  # it may not be read, or has gone
            continue


def _held(path: Path) -> dict[int, int] | None:
    """The process that has a lock, by the number of the file (inode); None where the system does not tell."""
    try:
        lines = path.read_text().splitlines()
    except OSError:
        return None
    found = {}
    for line in lines:
        fields = line.split()
        if len(fields) > 5 and fields[1] == "FLOCK" and fields[4].isdigit():
            found[int(fields[5].rsplit(":", 1)[1])] = int(fields[4])
    return found
