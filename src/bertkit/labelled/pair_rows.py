"""Rows with a pair of texts for sentence-embedding, and what the file says of how much they are alike."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from bertkit.errors import InputError
from bertkit.formats.notes import Note, listed
from bertkit.formats.row import Row
from bertkit.labelled.cells import structure_in
from bertkit.labelled.data import Data
from bertkit.labelled.examples import Example
from bertkit.labelled.find_columns import SCORES, Columns
from bertkit.labelled.label_values import as_label, as_number, as_text
from bertkit.labelled.pair_labels import JUDGEMENTS, labels_as_scores, tells_apart
from bertkit.labelled.row_format import TABLES, Asked, RowFormat, read_by
from bertkit.labelled.text_rows import TextRows

NEGATIVES = ("neg", "hard_negative", "negatives", "negative_0", "negative_1", "negative_2")
ENTAILMENT = ("premise", "hypothesis")  # where such texts have numbers for labels, 0 is entailment, or so it is in most
_JUDGES = re.compile("label|score|simil|cosin|relat|rating|duplic|judg|entail|paraphras|relevan|gold")
MOST_VALUES = 4  # a column with so many says something else than whether a pair belongs together


class PairRows:
    """Reads each row: `text`, `text_pair`, perhaps `negative`, perhaps a score or a label.

    A score is a number, a label a word or a number that says whether the two belong together.

    Raises:
        InputError: the first row is no pair.
    """

    def __init__(self, columns: Columns) -> None:
        self._columns = columns
        self._texts = TextRows(columns, paired=True)
        self._negative = columns.find("negative", NEGATIVES)
        self._label = columns.find("label", SCORES) or columns.find("label", JUDGEMENTS)  # a score says more
        self._shown = columns.shown(self._label or "label")
        self._scored = self._shown.casefold() in SCORES
        self._unread: dict[str, set[str]] = {}

    def __call__(self, row: Row) -> tuple[dict[str, object], float | str | None]:
        """The fields that the task reads, and the score, or the label as the file has it.

        Raises:
            InputError: naming file, line and field.
        """
        fields = self._texts.fields(row)
        if self._negative is not None and row.fields.get(self._negative) is not None:
            fields["negative"] = self._one_text(row, self._negative)
        if self._label is None:
            self._pass_over(row)
            return fields, None
        value = row.fields.get(self._label)
        if self._scored:
            return fields, as_number(value, row.place, self._shown)
        return fields, as_label(self._columns.named_class(self._label, value), row.place, self._shown)

    def judged(self, examples: Sequence[Example], note: Note) -> Sequence[Example]:
        """All pairs of the file, their labels become scores; none, where all belong together.

        Raises:
            InputError: a label that says nothing of that; a column of yes and no that nobody has named; a pair with
                a negative and a score.
        """
        if self._label is None:
            self._tell_unread(note)
        elif not self._scored:
            texts = {self._columns.shown(column).casefold() for column in self._texts.columns}
            examples = labels_as_scores(
                examples, self._shown, self._columns.name, note, counted=not texts & {*ENTAILMENT}
            )
        for one in examples:
            if one.target is not None and "negative" in one.row.fields:
                raise InputError(
                    f"{one.row.place}: a pair with a negative, and with {self._shown!r}, which is not 1 everywhere",
                    "Take one of the two columns out of the file: negatives are for pairs that belong together.",
                )
        return examples

    def _one_text(self, row: Row, column: str) -> str:
        shown = self._columns.shown(column)
        text = as_text(row.fields[column], row.place, shown)
        if isinstance(structure_in(text), list):
            raise InputError(f"{row.place}: the field {shown!r} is a list, not text", "Give each pair one negative.")
        return text

    def _pass_over(self, row: Row) -> None:
        """Remembers the first few values of each column that nothing is read from."""
        read = {*self._texts.columns, *self._columns.given, *self._columns.given.values(), self._negative, "id"}
        for column in row.fields.keys() - read:
            values, value = self._unread.setdefault(column, set()), row.fields[column]
            if len(values) < MOST_VALUES and value is not None and value != "":
                values.add(str(value))

    def _tell_unread(self, note: Note) -> None:
        """Refuses to pass over what may say that some pairs do not belong together; names the rest."""
        name = self._columns.name
        for column, values in self._unread.items():
            varies, few = len(values) > 1, len(values) < MOST_VALUES
            if (varies and _JUDGES.search(column.casefold())) or (few and tells_apart(values)):
                raise InputError(
                    f"{name}: the column {column!r} has {listed(sorted(values))}, and may say which pairs do not "
                    "belong together",
                    "Name it with --label-column; or take it out of the file, if all pairs belong together.",
                )
        if self._unread:
            note(f"{name}: all pairs are taken as belonging together; not read: {listed(sorted(self._unread))}")


def _paired(data: Data, asked: Asked) -> Iterator[Example]:
    for read, rows in data.opened(PairRows):
        yield from read.judged(list(read_by(read, rows)), asked.note)


PAIRS_OF_TEXTS = RowFormat(TABLES, ("text", "text_pair", "negative", "label", "id"), _paired)
