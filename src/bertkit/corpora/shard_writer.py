"""Writing shards: each file under a name of its own until the shard is whole and on disk."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Literal

import numpy as np
import numpy.typing as npt

from bertkit.checkpoints.durable import to_disk
from bertkit.corpora.shards import PARTS, ShardEntry
from bertkit.errors import OutputError

IdType = Literal["uint16", "uint32"]
PARTIAL = ".partial"
_BUFFER_BYTES = 2**20


def dtype_of(vocab_size: int) -> IdType:
    """The type of the ids of a vocabulary: `uint16` where all fit, else `uint32`."""
    return "uint16" if vocab_size <= 2**16 else "uint32"


class ShardWriter:
    """Writes documents to one shard after the other.

    Args:
        folder: where the files go; made when the first document comes.
        dtype: of the ids, `uint16` or `uint32`.
        shards: the shards that are there already; those that are finished are added to the list.

    Attributes:
        tokens: how many are in the shard that is being written.
    """

    tokens: int

    def __init__(self, folder: Path, dtype: IdType, shards: list[ShardEntry]) -> None:
        self._folder = folder
        self._dtype = np.dtype(dtype).newbyteorder("<")
        self._shards = shards
        self._files: list[_HashedFile] = []
        self.tokens = self._sentences = self._documents = 0

    def add(self, ids_T: npt.NDArray[np.uint32], lengths_S: npt.NDArray[np.uint32]) -> None:
        """Writes a document.

        Args:
            ids_T: (T,) ids of its sentences end to end.
            lengths_S: (S,) tokens of each sentence, their sum T.

        Raises:
            OutputError: the disk is full, or a file cannot be written for another reason.
        """
        if not self._files:
            self._open()
        ends_S = self.tokens + np.cumsum(lengths_S, dtype=np.int64)
        self.tokens += len(ids_T)
        self._sentences += len(lengths_S)
        self._documents += 1
        tokens, sentences, documents = self._files
        tokens.write(ids_T.astype(self._dtype).tobytes())
        sentences.write(ends_S.astype("<u4").tobytes())
        documents.write(np.array([self._sentences], "<u4").tobytes())

    def finish(self) -> None:
        """Ends the shard: its files are on disk and have their names afterwards. Without a document nothing is done.

        Raises:
            OutputError: as `add`.
        """
        if not self._files:
            return
        sha256 = {part: file.finish() for part, file in zip(PARTS, self._files, strict=True)}
        to_disk(self._folder)
        self._shards.append(
            ShardEntry(
                name=self._name(),
                documents=self._documents,
                sentences=self._sentences,
                tokens=self.tokens,
                sha256=sha256,
            )
        )
        self._files = []
        self.tokens = self._sentences = self._documents = 0

    def close(self) -> None:
        """Gives up the shard that is being written, if there is one."""
        for file in self._files:
            file.close()
        self._files = []

    def _open(self) -> None:
        with _failure_to_write(self._folder):
            self._folder.mkdir(exist_ok=True)
        for part in PARTS:
            self._files.append(_HashedFile(self._folder / f"{self._name()}.{part}"))
        for file in self._files[1:]:
            file.write(bytes(4))  # where the first sentence and the first document begin

    def _name(self) -> str:
        return f"{len(self._shards):05}"


class _HashedFile:
    """A file under a temporary name, its SHA-256 taken while it is written."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._partial = path.with_name(path.name + PARTIAL)
        self._digest = hashlib.sha256()
        with _failure_to_write(path):
            self._file = self._partial.open("wb", buffering=_BUFFER_BYTES)

    def write(self, content: bytes) -> None:
        self._digest.update(content)
        with _failure_to_write(self._path):
            self._file.write(content)

    def finish(self) -> str:
        with _failure_to_write(self._path):
            self._file.flush()
            os.fsync(self._file.fileno())
            self._file.close()
            self._partial.replace(self._path)
        return self._digest.hexdigest()

    def close(self) -> None:
        with suppress(OSError):  # what was buffered cannot be written; it was given up anyway
            self._file.close()
        with suppress(OSError):
            self._partial.unlink()


@contextmanager
def _failure_to_write(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise OutputError(
            f"{path}: cannot be written: {error.strerror}",
            "Make room, or see to the disk, and run the same command again: it goes on where it stopped.",
        ) from error
