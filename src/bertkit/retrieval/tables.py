"""The tables of an index, in SQLite: files, their documents, the passages of these, and the words of passages.

A file is waiting until all its passages have vectors; then it takes the place of what was indexed of it before, in one
step. Nobody who searches sees a file that is waiting.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from bertkit.config.indexing import IndexSettings
from bertkit.errors import BadIndex, OutputError, UserError

NAME = "passages.sqlite"
FORMAT = 1
BUSY_SECONDS = 60.0  # that another process may take to let go of a table
WAITING, LIVE = 0, 1
# Rows of a vector file that stand for no passage any more are holes. Of words the stems are kept, as English has them:
# on SQuAD that finds more than words as they are written do, and than a library for it (benchmarks/search.py).
SCHEMA = """
CREATE TABLE facts (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE files (id INTEGER PRIMARY KEY, path TEXT NOT NULL, digest BLOB NOT NULL, state INTEGER NOT NULL);
CREATE UNIQUE INDEX files_path ON files (path, state);
CREATE TABLE documents (id INTEGER PRIMARY KEY, file INTEGER NOT NULL, row INTEGER, fields TEXT NOT NULL);
CREATE INDEX documents_file ON documents (file);
CREATE TABLE passages (
    id INTEGER PRIMARY KEY, file INTEGER NOT NULL, document INTEGER NOT NULL, vector INTEGER, digest BLOB NOT NULL,
    heading TEXT NOT NULL, text TEXT NOT NULL, page INTEGER, runs TEXT NOT NULL
);
CREATE INDEX passages_file ON passages (file);
CREATE INDEX passages_document ON passages (document);
CREATE INDEX passages_digest ON passages (digest);
CREATE UNIQUE INDEX passages_vector ON passages (vector) WHERE vector IS NOT NULL;
CREATE INDEX passages_waiting ON passages (file) WHERE vector IS NULL;
CREATE TABLE holes (vector INTEGER PRIMARY KEY);
CREATE TABLE sources (path TEXT PRIMARY KEY) WITHOUT ROWID;
CREATE TABLE field_names (name TEXT PRIMARY KEY) WITHOUT ROWID;
CREATE VIRTUAL TABLE words USING fts5 (
    heading, text, content='passages', content_rowid='id', tokenize='porter unicode61 remove_diacritics 2'
);
"""


class Tables:
    """A connection to the tables of an index, for one thread."""

    def __init__(self, connection: sqlite3.Connection, folder: Path) -> None:
        self.connection = connection
        self.folder = folder

    def fact(self, name: str, default: Any = None) -> Any:
        """A fact of the index, as JSON has it."""
        found = self.connection.execute("SELECT value FROM facts WHERE name = ?", (name,)).fetchone()
        return default if found is None else json.loads(found[0])

    def put_fact(self, name: str, value: object) -> None:
        """Keeps a fact."""
        self.connection.execute("INSERT OR REPLACE INTO facts VALUES (?, ?)", (name, json.dumps(value)))

    @property
    def settings(self) -> IndexSettings:
        """What the index says of itself.

        Raises:
            BadIndex: this version does not understand it.
        """
        if (format := self.fact("format")) != FORMAT:
            raise BadIndex(f"{self.folder}: an index of format {format}, this version reads {FORMAT}")
        try:
            return IndexSettings.model_validate_json(json.dumps(self.fact("settings")))
        except ValueError as error:
            raise BadIndex(f"{self.folder}: its settings cannot be read") from error

    @contextmanager
    def change(self) -> Iterator[sqlite3.Connection]:
        """All changes of a block, or none."""
        self.connection.execute("BEGIN IMMEDIATE")
        try:
            yield self.connection
            self.connection.execute("COMMIT")
        except BaseException:
            if self.connection.in_transaction:
                self.connection.execute("ROLLBACK")
            raise


@contextmanager
def written_tables(folder: Path, settings: IndexSettings) -> Iterator[Tables]:
    """The tables of an index to write to; made where they are not there yet.

    Args:
        settings: of an index that is made.

    Raises:
        BadIndex: they are damaged.
        OutputError: they cannot be written.
        UserError: this Python's SQLite cannot search for words.
    """
    with _told(folder), _connected(str(folder / NAME)) as connection:
        tables = Tables(connection, folder)
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = NORMAL")
        if not _has_tables(connection):
            with tables.change():
                for statement in SCHEMA.split(";\n"):
                    connection.execute(statement)
                tables.put_fact("format", FORMAT)
                tables.put_fact("settings", settings.model_dump())
        yield tables


@contextmanager
def read_tables(folder: Path) -> Iterator[Tables]:
    """The tables of an index as they are at this moment, whatever is written meanwhile.

    Raises:
        UserError: there is no index.
        BadIndex: it is damaged.
    """
    path = folder / NAME
    if not path.is_file():
        raise no_index(folder)
    uri = path.absolute().as_uri()
    with _told(folder), _connected(f"{uri}?mode=ro") as connection:
        try:
            connection.execute("BEGIN")
            has_tables = _has_tables(connection)
        except sqlite3.OperationalError as error:
            if not error.sqlite_errorname.startswith(("SQLITE_CANTOPEN", "SQLITE_READONLY")):
                raise
            has_tables = None  # a folder that nobody may write to: what is in it stays as it is
        if has_tables is None:
            with _connected(f"{uri}?immutable=1") as fixed:
                yield Tables(fixed, folder)
            return
        if not has_tables:
            raise no_index(folder)
        yield Tables(connection, folder)


def no_index(folder: Path) -> UserError:
    """There is nothing to search."""
    what = "no index in this folder" if folder.is_dir() else "no such index"
    return UserError(f"{folder}: {what}", f"Make it: bertkit index FOLDER -o {folder}.")


@contextmanager
def _connected(name: str) -> Iterator[sqlite3.Connection]:
    connection = sqlite3.connect(name, BUSY_SECONDS, isolation_level=None, uri=name.startswith("file:"))
    try:
        yield connection
    finally:
        connection.close()


def _has_tables(connection: sqlite3.Connection) -> bool:
    return connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'words'").fetchone() is not None


@contextmanager
def _told(folder: Path) -> Iterator[None]:
    """What SQLite raises as the error that it is for a user."""
    try:
        yield
    except sqlite3.OperationalError as error:
        if "fts5" in str(error):
            raise UserError("this Python's SQLite cannot search for words (no FTS5)", "Use another Python.") from None
        raise OutputError(f"{folder / NAME}: {error}", "Check the disk, and who may write there.") from error
    except sqlite3.DatabaseError as error:
        raise BadIndex(f"{folder / NAME}: {error}") from error
