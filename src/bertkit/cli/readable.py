"""The form in which an answer is printed for a person: aligned text."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

import numpy as np

from bertkit.cli.answers import AnsweredRow
from bertkit.cli.output import json_line
from bertkit.errors import BertkitError
from bertkit.terminal.messages import one_line
from bertkit.terminal.tables import shorten, table

Record = Mapping[str, Any]
SHOWN_VALUES = 5
MANY_LABELS, BEST_LABELS = 5, 3


class Form(Protocol):
    """How answers are written."""

    def text(self, number: int, answer: AnsweredRow) -> str:
        """What stands for the answer to row `number` (from 1), without the last line end."""

    def error(self, number: int, error: BertkitError) -> str:
        """What stands for a row that failed."""


class Readable:
    """Aligned text. Which kind of task it was is told by the record, whose names are fixed.

    Args:
        few_labels: of many labels only the best are shown.
    """

    def __init__(self, *, few_labels: bool = True) -> None:
        self._few_labels = few_labels
        self._first_embedding: np.ndarray[Any, np.dtype[np.float32]] | None = None

    def text(self, number: int, answer: AnsweredRow) -> str:
        as_json = json_line(answer.record, answer.row.place)  # refuses NaN, which no form shows
        record: Mapping[str, Any] = answer.record
        heading = f"{number:>3}  {shorten(_texts(answer))}"
        size = f"{record.get('input_tokens', 0):,} tokens{_reading(record)}"
        if "embedding" in record:
            return f"{heading}  {size:>10}  {self._embedding(record['embedding'], record.get('precision'))}"
        for field, line in LINES.items():
            if field in record:
                return f"{heading}  {size:>10}  {line(record[field])}"
        for field, block in BLOCKS.items():
            if field in record:
                return f"{heading}  {size}\n{block(self._shown(record), answer.row.fields)}"
        return as_json

    def _shown(self, record: Record) -> Record:
        """The record, of many labels the best and those that are likelier than not, and how many there are besides."""
        labels = record.get("labels", ())
        if not self._few_labels or len(labels) <= MANY_LABELS:
            return record
        likely = sum(one["score"] > 0.5 for one in labels)
        kept = labels[: max(BEST_LABELS, likely)]
        return {**record, "labels": kept, "more": len(labels) - len(kept)}

    def error(self, number: int, error: BertkitError) -> str:
        return f"{number:>3}  error: {one_line(error.what)}\n     → {one_line(error.remedy)}"

    def _embedding(self, values: Sequence[float], precision: str | None) -> str:
        if precision not in (None, "float16"):  # bytes, of which a cosine says nothing
            return f"{len(values)} bytes, {precision}: {' '.join(map(str, values[:5]))} …"
        vector = np.asarray(values, dtype=np.float32)
        shown = f"{vector.size} values: {_first_values(vector)}"
        if self._first_embedding is None:
            self._first_embedding = vector
            return shown
        return f"{shown}  similarity to 1: {cosine(self._first_embedding, vector):6.3f}"


def cosine(one: np.ndarray[Any, np.dtype[np.float32]], other: np.ndarray[Any, np.dtype[np.float32]]) -> float:
    """Cosine similarity of two vectors; 0 when one of them is zero."""
    size = float(np.linalg.norm(one) * np.linalg.norm(other))
    return float(one @ other) / size if size else 0.0


def _texts(answer: AnsweredRow) -> str:
    fields = answer.row.fields
    first = str(next((fields[name] for name in ("question", "query", "text") if name in fields), ""))
    return f"{first} | {fields['text_pair']}" if "text_pair" in fields else first


def _reading(record: Mapping[str, Any]) -> str:
    windows = f" in {record['windows']} windows" if record.get("windows", 1) > 1 else ""
    dropped = ", part dropped" if record.get("truncated") else ""
    return windows + dropped + (", too unsure to answer" if record.get("abstained") else "")


def _first_values(vector: np.ndarray[Any, np.dtype[np.float32]]) -> str:
    shown = " ".join(f"{value: .4f}" for value in vector[:SHOWN_VALUES])
    return shown + (" …" if vector.size > SHOWN_VALUES else "")


def _fills(record: Record, fields: Record) -> str:
    masks = record["fills"]
    blocks = []
    for number, fills in enumerate(masks, 1):
        rows = [(f"{fill['score']:.4f}", str(fill["token"]), str(fill["sequence"])) for fill in fills]
        name = f"mask {number}" if len(masks) > 1 else "token"
        blocks.append(table(("score", name, "sequence"), rows))
    return "\n".join(blocks)


def _vectors(record: Record, fields: Record) -> str:
    vectors = np.asarray(record["vectors"], dtype=np.float32)
    rows = [
        (str(token), f"{start}-{end}", _first_values(vector))
        for token, (start, end), vector in zip(record["tokens"], record["offsets"], vectors, strict=True)
    ]
    return table(("token", "offsets", f"{vectors.shape[-1]} values"), rows)


def _labels(record: Record, fields: Record) -> str:
    shown = table(("score", "label"), [(f"{one['score']:.4f}", str(one["label"])) for one in record["labels"]])
    more = record.get("more", 0)
    return f"{shown}\n     … {more:,} more: --top-k N shows N" if more else shown


def _entities(record: Record, fields: Record) -> str:
    rows = [(f"{one['score']:.4f}", str(one["label"]), _place(one), str(one["text"])) for one in record["entities"]]
    return table(("score", "label", "offsets", "text"), rows) if rows else "     no entities"


def _answers(record: Record, fields: Record) -> str:
    rows = [(f"{one['score']:.4f}", _place(one), str(one["answer"])) for one in record["answers"]]
    return table(("score", "offsets", "answer"), [*rows, (f"{record['no_answer_score']:.4f}", "", "(no answer)")])


def _ranking(record: Record, fields: Record) -> str:
    return _scored(record["ranking"], "document", fields["documents"])


def _choices(record: Record, fields: Record) -> str:
    return _scored(record["choices"], "choice", fields["choices"])


def _scored(found: Sequence[Record], what: str, texts: Sequence[str]) -> str:
    rows = [(f"{one['score']:.4f}", str(one["index"]), shorten(texts[one["index"]]).rstrip()) for one in found]
    return table(("score", "index", what), rows)


def _place(one: Record) -> str:
    return f"{one['start']}-{one['end']}"


# A record's own field, and how it is shown: at the end of the row's line, or in a block below.
LINES: Mapping[str, Callable[[float], str]] = {
    "is_next": lambda score: f"second follows first: {score:.3f}",
    "value": lambda value: f"value: {value:.4f}",
}
BLOCKS: Mapping[str, Callable[[Record, Record], str]] = {
    "fills": _fills,
    "vectors": _vectors,
    "labels": _labels,
    "entities": _entities,
    "answers": _answers,
    "ranking": _ranking,
    "choices": _choices,
}
