"""The files of an index: those that are named, and those in folders that are named, with the digest of each."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from bertkit.errors import InputError
from bertkit.retrieval.reading import FORMAT_OF_ENDING, format_of


@dataclass(frozen=True, slots=True)
class SourceFiles:
    """What there is to index.

    Attributes:
        files: in the order of their paths, which are absolute.
        passed_over: how many files of folders are of no kind that is read, by their endings.
    """

    files: Sequence[Path]
    passed_over: dict[str, int]


def source_files(sources: Iterable[str]) -> SourceFiles:
    """The files of sources. Of folders all that can be read, those below them too, but for what begins with `.`.

    Raises:
        InputError: a source is not there, or is a file of a kind that cannot be read.
    """
    files: set[Path] = set()
    passed_over: dict[str, int] = {}
    for source in sources:
        path = Path(source).resolve()
        if path.is_dir():
            for file in path.rglob("*"):
                if any(part.startswith(".") for part in file.relative_to(path).parts) or not file.is_file():
                    continue
                if format_of(file) is not None:
                    files.add(file)
                elif not _is_of_index(file):
                    passed_over[file.suffix.lower()] = passed_over.get(file.suffix.lower(), 0) + 1
        elif not path.exists():
            raise InputError(f"{source}: no such file or folder", "Check the path.")
        elif format_of(path) is None:
            raise InputError(
                f"{source}: a file of a kind that cannot be indexed", f"These can: {', '.join(FORMAT_OF_ENDING)}."
            )
        else:
            files.add(path)
    return SourceFiles(sorted(files), passed_over)


def _is_of_index(file: Path) -> bool:
    return file.suffix in (".sqlite", ".sqlite-wal", ".sqlite-shm") or file.name.startswith("vectors.")


def below(path: str, sources: Iterable[str]) -> bool:
    """Whether a file is one of the sources, or in a folder of them."""
    return any(Path(path).is_relative_to(Path(source).resolve()) for source in sources)


def digest_of(path: Path) -> bytes:
    """Of a file's content.

    Raises:
        InputError: it cannot be read, or has a name that an index cannot keep.
    """
    try:
        str(path).encode()
        with path.open("rb") as file:
            return hashlib.file_digest(file, lambda: hashlib.blake2b(digest_size=16)).digest()
    except UnicodeEncodeError:
        raise InputError(f"{str(path)!r}: its name is not UTF-8", "Rename it.") from None
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror}", "Check its permissions and its disk.") from None
