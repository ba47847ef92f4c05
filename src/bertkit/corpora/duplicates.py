"""Exact and near duplicates among more documents than fit into memory: an index on disk.

A near duplicate is found in two steps. Of a signature's 128 values (`fingerprints.py`) the first 32 make 8 bands of 4;
the documents that have a band in common with a new one are looked up (locality-sensitive hashing, Indyk & Motwani
1998), and the estimate of their similarity from all 128 values must be at least 0.8. Two documents of Jaccard
similarity J meet in a band with probability 1 - (1 - J^4)^8:

    J     0.2    0.3    0.4    0.5    0.6    0.7    0.8    0.9    1
    met   0.01   0.06   0.19   0.40   0.67   0.89   0.985  0.9998 1

The index is one SQLite file: SQLite is in Python's standard library, keeps its memory to a page cache of a given size
however large the file grows, and takes back what was not committed when the process dies. Documents stand in the order
of their numbers, so that going back to an earlier number touches only what came later.

A band that many documents share (a phrase that a template repeats) would cost a comparison with each: of a band at most
256 documents are looked at, the earliest, and at most 64 compared, those first that meet in the most bands.
"""

from __future__ import annotations

import sqlite3
import weakref
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from bertkit.corpora.fingerprints import BINS, Fingerprint, fingerprint, similarity
from bertkit.errors import OutputError

__all__ = ["DuplicateIndex", "Fingerprint", "fingerprint"]

EXACT, NEAR = "exact_duplicate", "near_duplicate"
BANDS, BAND_VALUES = 8, 4
THRESHOLD = 0.8
MOST_OF_A_BAND, MOST_COMPARED = 256, 64
_FILE = "index.sqlite"
_SALTS_B = np.arange(BANDS, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15)  # the same values in two bands: two keys
_SCHEMA = """
CREATE TABLE IF NOT EXISTS documents (number INTEGER PRIMARY KEY, digest BLOB NOT NULL, signature BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS digests (digest BLOB PRIMARY KEY, number INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS bands (key INTEGER, number INTEGER, PRIMARY KEY (key, number)) WITHOUT ROWID;
"""
_OF_BAND = f"SELECT * FROM (SELECT number FROM bands WHERE key = ? ORDER BY number LIMIT {MOST_OF_A_BAND})"
_MEET = f"""
SELECT signature FROM documents WHERE number IN (
    SELECT number FROM ({" UNION ALL ".join([_OF_BAND] * BANDS)})
    GROUP BY number ORDER BY count(*) DESC, number LIMIT {MOST_COMPARED})
"""


class DuplicateIndex:
    """Remembers documents by their fingerprints and tells which new ones are like an earlier one.

    What a document is called depends only on those before it, in the order of their numbers, and not on how they are
    cut into batches. Duplicates are not remembered: the first of several like documents stands for all.

    Args:
        folder: where the index is; made, or opened where it was made before.
        near: find near duplicates too. All documents of an index must be added with the same.
        cache_bytes: memory for pages of the file.

    Raises:
        OutputError: the folder cannot be written, or holds something else; so do all methods.
    """

    def __init__(self, folder: Path, *, near: bool, cache_bytes: int = 4 * 2**20) -> None:
        self._path = folder / _FILE
        self._near = near
        with self._usable():
            folder.mkdir(parents=True, exist_ok=True)
            # One process has it: exclusive locking works on network disks too, where shared memory does not.
            self._connection = sqlite3.connect(self._path, isolation_level=None, timeout=0.5)
            self._close = weakref.finalize(self, self._connection.close)
            self._close.atexit = False
            self._connection.execute("PRAGMA locking_mode = EXCLUSIVE")
            self._connection.execute("PRAGMA journal_mode = WAL")
            self._connection.execute("PRAGMA synchronous = FULL")
            self._connection.execute(f"PRAGMA cache_size = -{cache_bytes // 1024}")
            self._connection.executescript(_SCHEMA)
            self._connection.execute("BEGIN IMMEDIATE")

    def add_batch(self, keys: Sequence[Fingerprint], first_number: int) -> list[str | None]:
        """For each document None, when it is new and now remembered, or `exact_duplicate` or `near_duplicate`.

        Args:
            keys: fingerprints, made with this index's `near`.
            first_number: of the first document; the others follow. No number may come twice, nor after a higher one.
        """
        with self._usable():
            return [self._add(key, number) for number, key in enumerate(keys, first_number)]

    def commit(self) -> None:
        """Brings to disk what was added; when it was not called, it is forgotten with the process."""
        with self._usable():
            self._connection.execute("COMMIT")
            self._connection.execute("BEGIN IMMEDIATE")

    def rewind(self, number: int) -> None:
        """Forgets the document of this number and all of higher ones, and brings that to disk."""
        with self._usable():
            later = "SELECT number, digest, signature FROM documents WHERE number >= ?"
            for found, digest, signature in self._connection.execute(later, (number,)):
                self._connection.execute("DELETE FROM digests WHERE digest = ?", (digest,))
                keys = [(key, found) for key in _band_keys(signature)]
                self._connection.executemany("DELETE FROM bands WHERE key = ? AND number = ?", keys)
            self._connection.execute("DELETE FROM documents WHERE number >= ?", (number,))
        self.commit()

    def close(self) -> None:
        """Lets go of the file; what was not committed is forgotten."""
        self._close()

    def _add(self, key: Fingerprint, number: int) -> str | None:
        execute = self._connection.execute
        if execute("SELECT 1 FROM digests WHERE digest = ?", (key.digest,)).fetchone():
            return EXACT
        bands = _band_keys(key.signature) if self._near else []
        if bands and self._has_near(key.signature, bands):
            return NEAR
        execute("INSERT INTO documents VALUES (?, ?, ?)", (number, key.digest, key.signature if self._near else b""))
        execute("INSERT INTO digests VALUES (?, ?)", (key.digest, number))
        self._connection.executemany("INSERT INTO bands VALUES (?, ?)", [(band, number) for band in bands])
        return None

    def _has_near(self, signature: bytes, bands: list[int]) -> bool:
        met = [row[0] for row in self._connection.execute(_MEET, bands)]
        if not met:
            return False
        others = np.frombuffer(b"".join(met), "<u2").reshape(len(met), BINS)
        return bool(similarity(np.frombuffer(signature, "<u2"), others).max() >= THRESHOLD)

    @contextmanager
    def _usable(self) -> Iterator[None]:
        try:
            yield
        except (sqlite3.Error, OSError) as error:
            raise OutputError(
                f"{self._path}: the index of duplicates cannot be used: {error}",
                "Check the disk; where the file is damaged, prepare into a new folder.",
            ) from error


def _band_keys(signature: bytes) -> list[int]:
    """A signed 64-bit key for each band; none without a signature."""
    if not signature:
        return []
    bands_B = np.frombuffer(signature, "<u8", count=BANDS)  # 4 values of 16 bits are one of 64
    keys: list[int] = (bands_B ^ _SALTS_B).view(np.int64).tolist()
    return keys
