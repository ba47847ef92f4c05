"""Rows to be answered, out of every file that the task's labelled data may be in; their labels are not read.

Answers are then in the order of the examples that evaluation makes of the same file, and have their ids.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import chain

from bertkit.errors import InputError, UserError
from bertkit.formats.catalogue import FORMATS, OF_ROWS, choose_format
from bertkit.formats.files import STDIN, check_there, name_of
from bertkit.formats.notes import Note, unheard
from bertkit.formats.rows import NO_COLUMNS, Row
from bertkit.labelled.cells import structure_in
from bertkit.labelled.choice_rows import QUERIES, RankingRows
from bertkit.labelled.conll import read_conll
from bertkit.labelled.data import BadRow, Data
from bertkit.labelled.find_columns import Columns
from bertkit.labelled.row_format import RowFormat
from bertkit.labelled.squad import squad_rows
from bertkit.labelled.tagged_rows import WORDS
from bertkit.tasks.catalogue import find_spec

# Other names of what tasks read, as labelled data has them; the names of texts are in `find_columns`.
OTHER_NAMES: Mapping[str, tuple[str, ...]] = {
    "question": ("query",),
    "context": ("passage", "paragraph"),
    "query": QUERIES,
    "documents": ("passages",),
    "choices": ("endings", "options", "candidates"),
}


class AskedRows:
    """Files of rows that are to be answered.

    Args:
        paths: in their order; `-` is standard input.
        format: of all of them; by their endings where None, and lines of standard input.
        columns: field name -> the column that fills it.
        on_bad_row: takes the error of a row that cannot be read, in its place; without it the first one is raised.
        note: takes a line where how a file was understood is a guess.

    Raises:
        UserError: the format of a file is not known, or has no columns. Whether the task is read from it is told later.
        InputError: a file is not there.
    """

    def __init__(
        self,
        paths: Sequence[str],
        *,
        format: str | None = None,
        columns: Mapping[str, str] = NO_COLUMNS,
        on_bad_row: BadRow | None = None,
        note: Note = unheard,
    ) -> None:
        for path in paths:
            check_there(path)
            if path != STDIN or format is not None:
                choose_format(path, format, FORMATS, "a file of rows", unheard)
            if columns and (format == "lines" or (path == STDIN and format is None)):
                raise UserError(
                    f"{name_of(path)}: plain lines have no columns",
                    "Leave the column options out, or say --format jsonl.",
                )
        self._paths, self._format, self._columns = tuple(paths), format, columns
        self._on_bad_row, self._note = on_bad_row, note

    def of_task(self, task: str, fields: Sequence[str]) -> Iterator[Row]:
        """The rows as a task reads them; whatever else they have stays in them.

        Args:
            task: the hub's name.
            fields: that it reads.

        Raises:
            UserError: the format of a file is not known, or not one that the task is read from.
            InputError: a row cannot be read, or which column a field is cannot be told.
        """
        spec = find_spec(task)
        named = spec.labelled_as or task
        rows: RowFormat | None = find_spec(named).load("rows") if find_spec(named).rows else None
        known = (*(one for one in (rows.formats if rows else ()) if one not in OF_ROWS), *OF_ROWS)
        parts = [(path, self._chosen(path, known, named)) for path in self._paths]
        return chain.from_iterable(self._of_file(*part, rows, fields) for part in parts)

    def _chosen(self, path: str, known: Sequence[str], task: str) -> str:
        if path == STDIN and self._format is None:
            return "lines"
        return choose_format(path, self._format, known, task, self._note)

    def _of_file(self, path: str, format: str, rows: RowFormat | None, fields: Sequence[str]) -> Iterator[Row]:
        if format == "conll":
            found = read_conll(path, self._columns, self._note, tagged=False)
            return (Row({**one.row.fields, "id": one.id}, one.row.place) for one in found)
        if format == "squad":
            return squad_rows(path)
        shapes = [shape for shape in (rows.shapes if rows else ()) if not shape.of_labels]
        data = Data(((path, format),), self._columns, shapes, self._note)
        return self._in_columns(data, rows, fields)

    def _in_columns(self, data: Data, rows_format: RowFormat | None, fields: Sequence[str]) -> Iterator[Row]:
        rows = data.asked(self._on_bad_row)
        first = next(rows, None)
        if first is None:
            return
        rows = chain([first], rows)
        there = Columns(first.fields, self._columns, data.name)
        if rows_format is not None and rows_format.say_words and "text" not in first.fields:
            rows = _joined(rows, there)
            first = next(rows)
            rows, there = chain([first], rows), Columns(first.fields, self._columns, data.name)
        if "documents" in fields and _is_document_a_row(there):
            yield from (row for row, _ in RankingRows(there, labelled=False).rows(rows, self._note))
            return
        others = _other_columns(there, fields)
        for row in rows:
            more = {field: row.fields[column] for field, column in others.items() if column in row.fields}
            yield Row({**row.fields, **more}, row.place) if more else row


def _joined(rows: Iterator[Row], there: Columns) -> Iterator[Row]:
    """The rows, with the text that their words are: as evaluation has it."""
    column = there.find("tokens", WORDS)
    for row in rows:
        words = row.fields.get(column or "tokens")
        words = structure_in(words) if isinstance(words, str) else words
        if isinstance(words, list | tuple) and all(isinstance(word, str) for word in words):
            yield Row({**row.fields, "text": " ".join(words)}, row.place)
        else:
            yield row


def _is_document_a_row(there: Columns) -> bool:
    listed = there.named("document") is None and there.find("documents", OTHER_NAMES["documents"]) is not None
    return not listed and there.find("query", QUERIES) is not None


def _other_columns(there: Columns, fields: Sequence[str]) -> dict[str, str]:
    """Of fields that have no column of their own name, the column that labelled data would have them in.

    What is not there is left to the task, which may do without.
    """
    found: dict[str, str] = {}
    for field in fields:
        column = there.find(field, OTHER_NAMES.get(field, ()))
        if column not in (None, field):
            found[field] = str(column)
    if "text" in fields and "text" not in there.there:
        found |= _columns_of_texts(there)
    return found


def _columns_of_texts(there: Columns) -> dict[str, str]:
    try:
        text, pair = there.texts()
    except InputError as error:
        if "could be any of" in error.what:
            raise
        return {}
    return {"text": text} | ({} if pair is None else {"text_pair": pair})
