"""Who writes an index: one at a time, who may be killed anywhere and goes on where that was.

Every step is a change of the tables that happens or does not. Files are cut into passages one after the other; then
passages get their vectors, always as many at once, in their order. Who goes on after being killed takes the same steps
as somebody who was not, so that the same files make the same index.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from bertkit.checkpoints.durable import make_folder
from bertkit.checkpoints.locks import locked
from bertkit.config.indexing import IndexSettings
from bertkit.errors import OutputError
from bertkit.retrieval.documents import SourceDocument
from bertkit.retrieval.passages import in_context, passages_of
from bertkit.retrieval.tables import LIVE, WAITING, Tables, written_tables
from bertkit.retrieval.vector_files import VectorFiles, first_ranges, ranges_of, ranges_record
from bertkit.vectors.quantising import Floats, Ranges, Stored

AT_ONCE = 512  # passages that get their vectors in one step
COPIED_AT_ONCE = 32_768
MOST_HOLES = 0.5  # of all vectors; with more the files are written anew

Embed = Callable[[Sequence[str]], Floats]


class IndexWriter:
    """Writes an index, which nobody else does meanwhile."""

    def __init__(self, tables: Tables) -> None:
        self._tables = tables
        self._connection = tables.connection
        self.settings = tables.settings
        self._files = self._files_of(tables.fact("generation", 1))
        for path in tables.folder.glob("vectors.*"):  # of a generation that was not finished, or is done with
            if path not in self._files.paths():
                path.unlink()

    def _files_of(self, generation: int) -> VectorFiles:
        return VectorFiles(self._tables.folder, self.settings.precision, self.settings.model.width, generation)

    def digests(self) -> dict[str, bytes]:
        """The files that are in the index or wait to be, and the digest of what was read of each last."""
        found = self._connection.execute("SELECT path, digest FROM files ORDER BY state DESC")  # what waits is newer
        return dict(found.fetchall())

    def sources(self) -> list[str]:
        """The files and folders that the index has been given."""
        return [path for (path,) in self._connection.execute("SELECT path FROM sources ORDER BY path")]

    def add_source(self, path: str) -> None:
        """Remembers a file or a folder."""
        with self._tables.change() as connection:
            connection.execute("INSERT OR IGNORE INTO sources VALUES (?)", (path,))

    def add(self, path: str, digest: bytes, documents: Iterable[SourceDocument]) -> None:
        """Cuts a file into passages, which wait for their vectors."""
        cutting = self.settings.cutting
        with self._tables.change() as connection:
            self._drop(path, WAITING)
            file = connection.execute(
                "INSERT INTO files (path, digest, state) VALUES (?, ?, ?)", (path, digest, WAITING)
            ).lastrowid
            names: set[str] = set()
            for document in documents:
                names |= document.fields.keys()
                fields = json.dumps(dict(document.fields), ensure_ascii=False, allow_nan=False)
                number = connection.execute(
                    "INSERT INTO documents (file, row, fields) VALUES (?, ?, ?)", (file, document.row, fields)
                ).lastrowid
                connection.executemany(
                    "INSERT INTO passages (file, document, digest, heading, text, page, runs) VALUES (?,?,?,?,?,?,?)",
                    (
                        (file, number, one.digest, one.heading, one.text.text, one.page, json.dumps(one.text.runs))
                        for one in passages_of(document, cutting.words, cutting.overlap)
                    ),
                )
            connection.executemany("INSERT OR IGNORE INTO field_names VALUES (?)", ((name,) for name in names))

    def remove(self, paths: Sequence[str]) -> None:
        """Files leave the index."""
        if paths:
            with self._tables.change():
                for path in paths:
                    self._drop(path, WAITING)
                    self._drop(path, LIVE)
                self._changed()

    def _drop(self, path: str, state: int) -> None:
        """What is known of a file; its vectors stay behind as holes."""
        for (file,) in self._connection.execute("SELECT id FROM files WHERE path = ? AND state = ?", (path, state)):
            if state == LIVE:
                self._connection.execute(
                    "INSERT INTO words (words, rowid, heading, text) "
                    "SELECT 'delete', id, heading, text FROM passages WHERE file = ?",
                    (file,),
                )
            self._connection.execute(
                "INSERT INTO holes SELECT vector FROM passages WHERE file = ? AND vector IS NOT NULL", (file,)
            )
            for table, column in (("passages", "file"), ("documents", "file"), ("files", "id")):
                self._connection.execute(f"DELETE FROM {table} WHERE {column} = ?", (file,))

    def waiting(self) -> int:
        """How many passages have no vector yet."""
        (count,) = self._connection.execute("SELECT count(*) FROM passages WHERE vector IS NULL").fetchone()
        return int(count)

    def counts(self) -> tuple[int, int]:
        """How many files and passages may be found."""
        query = "SELECT (SELECT count(*) FROM files WHERE state = ?), (SELECT count(*) FROM words_docsize)"
        files, passages = self._connection.execute(query, (LIVE,)).fetchone()
        return files, passages

    def embed(self, embed: Embed) -> Iterator[tuple[int, int]]:
        """Gives the passages that wait their vectors; a file of which all have one takes its place.

        Args:
            embed: vectors of texts, (N, W) float32.

        Yields:
            After each step, how many more passages have one, and how many of these were embedded for it: the others
            say what another one says already.
        """
        with self._tables.change() as connection:  # files without a passage
            self._publish([id for (id,) in connection.execute("SELECT id FROM files WHERE state = ?", (WAITING,))])
        while True:
            found = self._connection.execute(
                "SELECT id, digest, heading, text, file FROM passages WHERE vector IS NULL ORDER BY file, id LIMIT ?",
                (AT_ONCE,),
            ).fetchall()
            if not found:
                return
            digests = [digest for _, digest, *_ in found]
            texts = {digest: in_context(heading, text) for _, digest, heading, text, _ in found}
            known = {digest: vector for digest in texts if (vector := self._vector(digest)) is not None}
            new = [digest for digest in texts if digest not in known]
            rows = self._rows(embed([texts[digest] for digest in new]) if new else None, new, known, digests)
            count = self._tables.fact("vectors", 0)
            self._files.write(count, rows)
            with self._tables.change() as connection:
                numbers = range(count, count + len(found))
                connection.executemany(
                    "UPDATE passages SET vector = ? WHERE id = ?",
                    [(number, passage) for number, (passage, *_) in zip(numbers, found, strict=True)],
                )
                self._tables.put_fact("vectors", count + len(found))
                self._publish(sorted({file for *_, file in found}))
            yield len(found), len(new)

    def _vector(self, digest: bytes) -> int | None:
        """The vector of a passage that says the same."""
        found = self._connection.execute(
            "SELECT min(vector) FROM passages WHERE digest = ? AND vector IS NOT NULL", (digest,)
        )
        return found.fetchone()[0]  # type: ignore[no-any-return]

    def _rows(
        self, vectors_NW: Floats | None, new: Sequence[bytes], known: dict[bytes, int], digests: Sequence[bytes]
    ) -> dict[str, Stored]:
        """What each file keeps of some passages, in their order: new vectors, and copies of those that there are."""
        places = {digest: place for place, digest in enumerate([*new, *known])}
        order = [places[digest] for digest in digests]
        fresh = {} if vectors_NW is None else self._files.stored(vectors_NW, self._ranges(vectors_NW))
        if not known:
            return {kind: rows[order] for kind, rows in fresh.items()}
        there = self._files.mapped(self._tables.fact("vectors", 0))
        copied = {kind: there[kind][list(known.values())] for kind in self._files.kinds}
        return {kind: np.concatenate([*([fresh[kind]] if fresh else []), rows])[order] for kind, rows in copied.items()}

    def _ranges(self, vectors_NW: Floats) -> Ranges | None:
        """Those that bytes are made with: of the first vectors that the index ever had."""
        if self.settings.precision != "int8":
            return None
        if (record := self._tables.fact("ranges")) is None:
            record = ranges_record(first_ranges(vectors_NW))
            with self._tables.change():
                self._tables.put_fact("ranges", record)
        return ranges_of(record)

    def _publish(self, files: Sequence[int]) -> None:
        """Those of the files of which no passage waits take the place of what was indexed of them before."""
        for file in files:
            found = self._connection.execute(
                "SELECT path FROM files WHERE id = ? AND NOT EXISTS "
                "(SELECT 1 FROM passages WHERE file = ? AND vector IS NULL)",
                (file, file),
            ).fetchone()
            if found is None:
                continue
            self._drop(found[0], LIVE)
            self._connection.execute("UPDATE files SET state = ? WHERE id = ?", (LIVE, file))
            self._connection.execute(
                "INSERT INTO words (rowid, heading, text) SELECT id, heading, text FROM passages WHERE file = ?",
                (file,),
            )
            self._changed()

    def _changed(self) -> None:
        self._tables.put_fact("version", self._tables.fact("version", 0) + 1)

    def tidy(self) -> None:
        """Writes the vectors anew, without holes, where these are many."""
        count = self._tables.fact("vectors", 0)
        (holes,) = self._connection.execute("SELECT count(*) FROM holes").fetchone()
        if holes <= MOST_HOLES * count or not count:
            return
        query = "SELECT vector FROM passages WHERE vector IS NOT NULL ORDER BY vector"
        kept = [vector for (vector,) in self._connection.execute(query)]
        old, new = self._files, self._files_of(self._files.generation + 1)
        there = old.mapped(count)
        for start in range(0, len(kept), COPIED_AT_ONCE):
            some = kept[start : start + COPIED_AT_ONCE]
            new.write(start, {kind: stored[some] for kind, stored in there.items()})
        with self._tables.change() as connection:
            # Each new number is at most the old one, and less than all that follow: none is ever there twice.
            connection.executemany("UPDATE passages SET vector = ? WHERE vector = ?", list(enumerate(kept)))
            connection.execute("DELETE FROM holes")
            self._tables.put_fact("vectors", len(kept))
            self._tables.put_fact("generation", new.generation)
            self._changed()
        self._files = new
        for path in old.paths():
            path.unlink(missing_ok=True)


@contextmanager
def open_writer(folder: Path, settings: IndexSettings) -> Iterator[IndexWriter]:
    """The index in a folder, to write to; it is made where it is not there yet.

    Args:
        settings: of an index that is made.

    Raises:
        FolderInUse: another process writes to it.
        OutputError: it cannot be written.
        BadIndex: it is damaged.
    """
    try:
        make_folder(folder)
    except OSError as error:
        raise OutputError(f"{folder}: cannot be made: {error.strerror}", "Choose another place with -o.") from error
    with locked(folder), written_tables(folder, settings) as tables:
        yield IndexWriter(tables)
