"""Passages for a query, from the tables and the vectors of an index. Which models are asked is not known here.

Torch-free. A search sees the index as it was when it began, whatever is written meanwhile.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from bertkit.config.indexing import IndexSettings
from bertkit.errors import BadIndex, EmptyInput, UserError
from bertkit.retrieval.filters import filter_sql, read_filter
from bertkit.retrieval.fusion import fused
from bertkit.retrieval.lexical import matching
from bertkit.retrieval.nearest import Mask, StoredVectors
from bertkit.retrieval.passages import in_context
from bertkit.retrieval.tables import NAME, WAITING, Tables, read_tables
from bertkit.retrieval.traced import Stretch, Traced
from bertkit.retrieval.vector_files import VectorFiles, ranges_of
from bertkit.vectors.quantising import Floats

FUSED = 100  # of each order, at least, that are made into one
TRIES = 5  # a writer may put a new generation in place between two looks


@dataclass(frozen=True, slots=True)
class Hit:
    """A passage that was found.

    Attributes:
        score: what it was put in order by: a cosine or inner product, a fused rank, or a reranker's score.
        file: its path.
        text: knows where in the file (of a row: in its text; of a page: in the page's text) it stands.
        heading: the headings above it.
        page: from 1; None where there are none.
        row: of a file of rows; None elsewhere.
        fields: of its document.
    """

    score: float
    file: str
    text: Traced
    heading: str
    page: int | None
    row: int | None
    fields: dict[str, Any]

    @property
    def place(self) -> str:
        """File and line, as one opens it; for PDF the page, for rows the row."""
        return self.place_at(0)

    def place_at(self, at: int) -> str:
        """The same of a character of the text."""
        if self.page is not None:
            return f"{self.file}, page {self.page}"
        return f"{self.file}:{self.row if self.row is not None else self.text.place(at).line}"

    @property
    def in_context(self) -> str:
        """The text below its heading."""
        return in_context(self.heading, self.text.text)

    def record(self) -> dict[str, object]:
        """As JSON values."""
        first, last = self.text.span(0, len(self.text.text))
        return {
            "score": self.score,
            "file": self.file,
            "line": first.line or self.row,
            "page": self.page,
            "start": first.offset,
            "end": last.offset,
            "heading": self.heading,
            "text": self.text.text,
            "fields": self.fields,
        }


class IndexReader:
    """Searches an index. Any number of threads may use one at once.

    Raises:
        UserError: there is no index in the folder.
        BadIndex: it is damaged.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._lock = threading.Lock()
        self._seen: tuple[tuple[int, int], StoredVectors] | None = None
        with read_tables(folder) as tables:
            self.settings: IndexSettings = tables.settings

    def counts(self) -> dict[str, int]:
        """How many files, documents and passages may be found."""
        with read_tables(self.folder) as tables:
            query = (
                "SELECT (SELECT count(*) FROM files WHERE state != ?), (SELECT count(*) FROM documents JOIN files "
                "ON files.id = file WHERE state != ?), (SELECT count(*) FROM words_docsize)"
            )
            found = tables.connection.execute(query, (WAITING, WAITING)).fetchone()
        return dict(zip(("files", "documents", "passages"), found, strict=True))

    def fields(self) -> list[str]:
        """What documents may be filtered by."""
        with read_tables(self.folder) as tables:
            return [name for (name,) in tables.connection.execute("SELECT name FROM field_names ORDER BY name")]

    def public_name(self, file: str) -> str:
        """A file from the folder that was indexed, without what stands above it: `notes/a.md`."""
        with read_tables(self.folder) as tables:
            sources = [Path(path) for (path,) in tables.connection.execute("SELECT path FROM sources ORDER BY path")]
        above = next((path.parent for path in sources if Path(file).is_relative_to(path)), Path(file).parent)
        return Path(file).relative_to(above).as_posix()

    def check(self, query: str, filter: str | None) -> None:
        """Refuses what cannot be looked for, before any model is asked.

        Raises:
            EmptyInput: the query has no text, whatever prompt will stand before it.
            UserError: the filter is not written as one, or no document has such a field.
        """
        if not query.strip():
            raise EmptyInput("a query without text", "Ask a question, or give words to look for.")
        if filter is not None:
            with read_tables(self.folder) as tables:
                _condition(tables, filter)

    def search(
        self, query: str, vector_W: Floats, count: int, *, hybrid: bool = False, filter: str | None = None
    ) -> list[Hit]:
        """The passages that answer a query best, at most `count`.

        Args:
            vector_W: of the query, by the model of the index.
            hybrid: whether words count too, beside meaning.
            filter: which documents are looked at.

        Raises:
            UserError: as `check`; or the vector is of another width than those of the index.
            BadIndex: the index is damaged, or has gone.
        """
        width = self.settings.model.width
        if vector_W.shape != (width,):
            raise UserError(f"a vector of shape {vector_W.shape}", f"Those of {self.folder} have {width} numbers.")
        with self._snapshot() as (tables, vectors):
            where = None if filter is None else _condition(tables, filter)
            most = max(FUSED, count) if hybrid else count
            found = vectors.nearest(vector_W, most, _allowed(tables, where, len(vectors.hidden_N)))
            scored = list(zip(found.vectors_K.tolist(), map(float, found.scores_K), strict=True))
            if hybrid:
                words = _by_words(tables, query, most, where)
                scored = fused([[vector for vector, _ in scored], words])[:count]
            return [_hit(tables, vector, score) for vector, score in scored]

    @contextmanager
    def _snapshot(self) -> Iterator[tuple[Tables, StoredVectors]]:
        """Tables and vectors of one moment."""
        for _ in range(TRIES):
            with read_tables(self.folder) as tables:
                try:
                    vectors = self._vectors(tables)
                except FileNotFoundError:
                    continue
                yield tables, vectors
                return
        raise BadIndex(f"{self.folder}: a file of its vectors is not there")

    def _vectors(self, tables: Tables) -> StoredVectors:
        """The vectors of this moment; those of the last search, where nothing has changed since."""
        # An index that was removed and made again counts its versions anew, in another file.
        version = ((self.folder / NAME).stat().st_ino, int(tables.fact("version", 0)))
        with self._lock:
            if self._seen is None or self._seen[0] != version:
                self._seen = (version, self._mapped(tables))
            return self._seen[1]

    def _mapped(self, tables: Tables) -> StoredVectors:
        settings, count = self.settings, tables.fact("vectors", 0)
        files = VectorFiles(self.folder, settings.precision, settings.model.width, tables.fact("generation", 1))
        hidden_N = np.zeros(count, np.bool_)
        query = (
            "SELECT vector FROM holes UNION ALL SELECT vector FROM passages WHERE vector IS NOT NULL "
            "AND file IN (SELECT id FROM files WHERE state = ?)"
        )
        hidden_N[[vector for (vector,) in tables.connection.execute(query, (WAITING,))]] = True
        ranges = tables.fact("ranges")
        return StoredVectors(files.mapped(count), hidden_N, None if ranges is None else ranges_of(ranges))


def _condition(tables: Tables, filter: str) -> tuple[str, list[object]]:
    known = [name for (name,) in tables.connection.execute("SELECT name FROM field_names")]
    return filter_sql(read_filter(filter), known)


def _allowed(tables: Tables, where: tuple[str, list[object]] | None, count: int) -> Mask | None:
    """The vectors of the documents that meet a condition."""
    if where is None:
        return None
    query = (
        "SELECT vector FROM passages WHERE vector IS NOT NULL "
        f"AND document IN (SELECT id FROM documents WHERE {where[0]})"
    )
    allowed_N = np.zeros(count, np.bool_)
    vectors = (vector for (vector,) in tables.connection.execute(query, where[1]))
    allowed_N[np.fromiter(vectors, np.int64)] = True
    return allowed_N


def _by_words(tables: Tables, query: str, count: int, where: tuple[str, list[object]] | None) -> list[int]:
    """The vectors of passages that share words with a query, the best first."""
    (passages,) = tables.connection.execute("SELECT count(*) FROM words_docsize").fetchone()
    asked = matching(tables.connection, query, passages)
    if not asked:
        return []
    condition, parameters = "", list[object]()
    if where is not None:
        condition = (
            f"AND rowid IN (SELECT id FROM passages WHERE document IN (SELECT id FROM documents WHERE {where[0]}))"
        )
        parameters = where[1]
    found = tables.connection.execute(
        f"SELECT rowid FROM words WHERE words MATCH ? {condition} ORDER BY rank LIMIT ?", (asked, *parameters, count)
    ).fetchall()
    query = "SELECT vector FROM passages WHERE id = ?"
    return [tables.connection.execute(query, one).fetchone()[0] for one in found]


def _hit(tables: Tables, vector: int, score: float) -> Hit:
    query = (
        "SELECT path, text, runs, heading, page, documents.row, fields FROM passages "
        "JOIN documents ON documents.id = document JOIN files ON files.id = passages.file WHERE vector = ?"
    )
    path, text, runs, heading, page, row, fields = tables.connection.execute(query, (vector,)).fetchone()
    traced = Traced(text, tuple(Stretch(*run) for run in json.loads(runs)))
    return Hit(score, path, traced, heading, page, row, json.loads(fields))


def reordered(hits: Sequence[Hit], scores: Sequence[float], count: int) -> list[Hit]:
    """The hits with the best of other scores, the best first; of equal ones the one that came first."""
    again = [replace(hit, score=float(score)) for hit, score in zip(hits, scores, strict=True)]
    return sorted(again, key=lambda hit: -hit.score)[:count]
