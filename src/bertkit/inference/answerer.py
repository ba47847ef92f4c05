"""Rows in, answers out, in order: a task over an encoder and a head that are ready, wherever they come from."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import islice
from typing import Any, Literal, TypeVar, get_args

import numpy as np

from bertkit.errors import BertkitError, UserError, near_match
from bertkit.formats.python_rows import AnyRow, AnyRows, each_row, fields_of
from bertkit.formats.rows import Row
from bertkit.inference.engine import Engine
from bertkit.model.finite import not_finite, weights_of
from bertkit.tasks.contract import Outcome, Reading, Result, Texts
from bertkit.tasks.reading import Reader
from bertkit.tokenization.tokens import Tokens
from bertkit.tokenization.windows import Encoded, Window

OnError = Literal["stop", "record"]
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

    def stream(self, rows: AnyRow | AnyRows, *, on_error: OnError = "stop") -> Iterator[Result | Failure]:
        """The answers, in order, as they are ready: any number of rows in bounded memory.

        Args:
            rows: any iterable of rows, a table, or one row.
            on_error: `stop` raises at a bad row; `record` gives a `Failure` in its place and goes on.

        Raises:
            InputError: at the first row that has no answer, where failures are not recorded.
            NotFinite: likewise, at a row for which the model computes NaN or infinity.
        """
        record = on_error == "record"
        for chunk in self.read(rows, ROWS_AT_ONCE, record):
            for one in self.outcomes(chunk, record):
                yield one if isinstance(one, Failure) else self.result(one)

    def read(self, rows: Any, at_once: int, record: bool) -> Iterator[list[Row | Failure]]:
        """The rows that a caller gave, as fields and the places that their errors begin with.

        Args:
            at_once: how many at a time.
            record: give a `Failure` in the place of what is no row instead of raising.
        """
        numbered = enumerate(each_row(rows), 1)
        while chunk := list(islice(numbered, at_once)):
            yield [self._read(row, f"row {number}", record) for number, row in chunk]

    def _read(self, given: object, place: str, record: bool) -> Row | Failure:
        if isinstance(given, Row):
            return given
        return attempt(lambda: Row(fields_of(given, self.task.fields), place), place, record)

    def outcomes(self, rows: Sequence[Row | Failure], record: bool) -> Iterator[list[Outcome] | Failure]:
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
                assert isinstance(row, Row), "a row that failed is no request"
                yield attempt(partial(self._finite, found), row.place, record)
            else:
                yield request

    def _finite(self, outcomes: list[Outcome]) -> list[Outcome]:
        """The same, unless a number is none."""
        if all(np.isfinite(array).all() for one in outcomes for output in one.outputs for array in output):
            return outcomes
        weights = weights_of(encoder=self._engine.encoder, head=self._engine.head)
        raise not_finite("the model's output", weights)

    def _prepare(self, rows: Sequence[Row | Failure], record: bool) -> list[_Request | Failure]:
        """Each row's windows, all texts tokenised in one call."""
        read = [
            row if isinstance(row, Failure) else attempt(partial(self.task.read, row.fields), row.place, record)
            for row in rows
        ]
        tokens = self._reader.tokenize(texts for one in read if not isinstance(one, Failure) for texts in one)
        return [self._request(row, inputs, tokens, record) for row, inputs in zip(rows, read, strict=True)]

    def _request(
        self, row: Row | Failure, inputs: tuple[Texts, ...] | Failure, tokens: Mapping[str, Tokens], record: bool
    ) -> _Request | Failure:
        if isinstance(row, Failure):
            return row
        if isinstance(inputs, Failure):
            return inputs

        def step() -> _Request:
            return _Request(list(zip(inputs, self._reader.encode(inputs, tokens), strict=True)))

        return attempt(step, row.place, record)

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


Value = TypeVar("Value")


def attempt(step: Callable[[], Value], place: str, record: bool) -> Value | Failure:
    """`step()`, or why the row at this place cannot be answered; raised, unless failures are recorded."""
    try:
        return step()
    except BertkitError as error:
        if record:
            return Failure(error.at(place))
        raise error.at(place) from None


def check_on_error(on_error: str) -> None:
    """Refuses a word that says nothing about bad rows.

    Raises:
        UserError: naming the nearest one.
    """
    if on_error not in get_args(OnError):
        raise UserError(
            f"on_error is {on_error!r}{near_match(str(on_error), get_args(OnError))}", "Choose stop or record."
        )
