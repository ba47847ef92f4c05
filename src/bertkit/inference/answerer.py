"""Rows in, answers out, in order: a task over an encoder and a head that are ready, wherever they come from."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import islice
from typing import Literal, TypeVar

import numpy as np

from bertkit.data.rows import Row
from bertkit.errors import BertkitError
from bertkit.inference.engine import Engine
from bertkit.model.finite import not_finite, weights_of
from bertkit.tasks.contract import Outcome, Reading, Result, Texts
from bertkit.tasks.reading import Reader
from bertkit.tokenization.windows import Encoded, Window

AnyRow = str | tuple[str, str] | Mapping[str, object] | Row
ROWS_AT_ONCE = 1024  # rows that are sorted by length together: enough to fill batches, little enough to stream


@dataclass(frozen=True, slots=True)
class Failure:
    """A row that has no answer, and why."""

    error: BertkitError

    def record(self) -> dict[str, object]:
        """The error as JSON values, in the place of an answer."""
        return self.error.record()


@dataclass(frozen=True, slots=True)
class _Request:
    """The inputs of a row, and their windows."""

    inputs: Sequence[tuple[Texts, Encoded]]

    @property
    def windows(self) -> list[Window]:
        return [window for _, encoded in self.inputs for window in encoded.windows]


class Answerer:
    """Answers rows.

    Args:
        dtype: the precision that the engine computes in, for the records.
    """

    def __init__(self, engine: Engine, reader: Reader, dtype: str) -> None:
        self._engine = engine
        self._reader = reader
        self.task = reader.task
        self._dtype = dtype

    def stream(
        self, rows: Iterable[AnyRow], *, on_error: Literal["stop", "record"] = "stop"
    ) -> Iterator[Result | Failure]:
        """The answers, in order, as they are ready: any number of rows in bounded memory.

        Args:
            on_error: `stop` raises at a bad row; `record` gives a `Failure` in its place and goes on.

        Raises:
            InputError: at the first row that has no answer, where failures are not recorded.
            NotFinite: likewise, at a row for which the model computes NaN or infinity.
        """
        numbered = enumerate(rows, 1)
        while chunk := list(islice(numbered, ROWS_AT_ONCE)):
            for one in self.outcomes([as_row(row, number) for number, row in chunk], on_error == "record"):
                yield one if isinstance(one, Failure) else self.result(one)

    def outcomes(self, rows: Sequence[Row], record: bool) -> Iterator[list[Outcome] | Failure]:
        """How each row was read and what the head gives for it, one a row's input; `result` makes it an answer.

        Args:
            record: give a `Failure` in the place of a bad row instead of raising.
        """
        requests = self._prepare(rows, record)
        ready = [request for request in requests if isinstance(request, _Request)]
        outputs = iter(self._engine.run([window for request in ready for window in request.windows]))
        for row, request in zip(rows, requests, strict=True):
            if isinstance(request, _Request):
                found = [Outcome(*one, list(islice(outputs, len(one[1].windows)))) for one in request.inputs]
                yield attempt(partial(self._finite, found), row, record)
            else:
                yield request

    def _finite(self, outcomes: list[Outcome]) -> list[Outcome]:
        """The same, unless a number is none."""
        if all(np.isfinite(array).all() for one in outcomes for output in one.outputs for array in output):
            return outcomes
        weights = weights_of(encoder=self._engine.encoder, head=self._engine.head)
        raise not_finite("the model's output", weights)

    def _prepare(self, rows: Sequence[Row], record: bool) -> list[_Request | Failure]:
        """Each row's windows, all texts tokenised in one call."""
        read = [attempt(partial(self.task.read, row.fields), row, record) for row in rows]
        tokens = self._reader.tokenize(texts for one in read if not isinstance(one, Failure) for texts in one)

        def request(inputs: tuple[Texts, ...]) -> _Request:
            return _Request(list(zip(inputs, self._reader.encode(inputs, tokens), strict=True)))

        return [
            one if isinstance(one, Failure) else attempt(partial(request, one), row, record)
            for row, one in zip(rows, read, strict=True)
        ]

    def result(self, outcomes: Sequence[Outcome]) -> Result:
        """The answer of one row."""
        all_encoded = [outcome.encoded for outcome in outcomes]
        reading = Reading(
            input_tokens=sum(encoded.input_tokens for encoded in all_encoded),
            windows=max(len(encoded.windows) for encoded in all_encoded),
            truncated=any(encoded.truncated for encoded in all_encoded),
            dtype=self._dtype,
        )
        return self.task.decode(outcomes, reading)


def as_row(row: AnyRow, number: int) -> Row:
    """A row as it was given, as fields and the place that its errors begin with."""
    if isinstance(row, Row):
        return row
    place = f"row {number}"
    if isinstance(row, str):
        return Row({"text": row}, place)
    if isinstance(row, tuple):
        return Row(dict(zip(("text", "text_pair"), row, strict=True)), place)
    return Row(row, place)


Value = TypeVar("Value")


def attempt(step: Callable[[], Value], row: Row, record: bool) -> Value | Failure:
    """`step()`, or why the row cannot be answered; raised, unless failures are recorded."""
    try:
        return step()
    except BertkitError as error:
        if record:
            return Failure(error.at(row.place))
        raise error.at(row.place) from None
