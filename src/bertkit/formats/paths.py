"""Files that are meant by a path, a folder or a pattern."""

from __future__ import annotations

import glob
import os
from collections.abc import Iterator, Sequence

from bertkit.errors import InputError
from bertkit.formats.catalogue import FORMATS, formats_of_ending
from bertkit.formats.files import STDIN
from bertkit.formats.notes import Note


def each_path(given: Sequence[str], note: Note) -> list[str]:
    """The files, in the order in which they are given; those of a folder or a pattern by name.

    Args:
        given: paths, `-`, folders (whose files with an ending of a format are taken, not those of folders in them), and
            patterns such as `parts/*.csv`.
        note: takes a line about files of a folder that are not taken.

    Raises:
        InputError: a folder or a pattern has no file.
    """
    return [path for one in given for path in _files(one, note)]


def _files(path: str, note: Note) -> Iterator[str]:
    if path != STDIN and os.path.isdir(path):
        yield from _of_folder(path, note)
    elif path == STDIN or os.path.exists(path) or not glob.has_magic(path):
        yield path
    else:
        found = sorted(one for one in glob.glob(path, recursive=True) if os.path.isfile(one))
        if not found:
            raise InputError(f"{path}: no file is called so", "Check the pattern; * stands for any part of a name.")
        yield from found


def _of_folder(folder: str, note: Note) -> list[str]:
    files = sorted(one.path for one in os.scandir(folder) if one.is_file() and not one.name.startswith("."))
    known = [file for file in files if formats_of_ending(file)]
    if not known:
        endings = ", ".join(dict.fromkeys(ending for format in FORMATS.values() for ending in format.endings))
        raise InputError(f"{folder}: no file of rows in this folder", f"Their names end in {endings}, each also .gz.")
    if len(known) < len(files):
        note(f"{folder}: {len(known):,} of its {len(files):,} files are read, by their endings")
    return known
