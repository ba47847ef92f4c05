"""Rows in, answers out, in order and as they are ready: a pipeline around an engine. Torch-free."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, get_args

from bertkit.errors import BertkitError, UserError, near_match
from bertkit.formats.python_rows import AnyRow, AnyRows, each_row, fields_of
from bertkit.formats.row import Row
from bertkit.inference.engine import Engine
from bertkit.inference.pipeline import Failure, Pipeline, Request, attempt
from bertkit.tasks.contract import Outcome, Result
from bertkit.tasks.reading import Reader

OnError = Literal["stop", "record"]
ROWS_READ_AT_ONCE = 256  # tokenised in one call
# Of long rows fewer, about as many as are then computed together: a token that waits, with its place in the text, is
# two hundred bytes of Python objects.
CHARACTERS_A_TOKEN = 4
# What is sorted by length together: enough tokens to fill batches with like lengths, few enough to stream. A vector a
# token is hundreds of times what other answers take.
BATCHES_AT_ONCE, BATCHES_OF_VECTORS = 16, 4
PATIENCE = 0.25  # seconds that rows wait for others that are slow to come


@dataclass(slots=True)
class Chunk:
    """Rows that were read one after the other.

    Attributes:
        next_is_late: whether the next row is slow to come, so that these should not wait for it.
        is_last: whether there is none.
        error: why there is none, where the source could not go on.
    """

    rows: list[Row | Failure] = field(default_factory=list)
    next_is_late: bool = False
    is_last: bool = False
    error: BertkitError | None = None


def never() -> bool:
    """Rows are there, or come as fast as they are read."""
    return False


class Answerer:
    """Answers rows.

    Args:
        clock: seconds, for how long a source of rows has been waited for.
    """

    def __init__(self, engine: Engine, reader: Reader, clock: Callable[[], float] = time.monotonic) -> None:
        self.engine = engine
        self.pipeline = Pipeline(reader, engine.backend.dtype, engine.backend.blame)
        self.task = reader.task
        self._clock = clock
        readout = self.task.readout
        batches = BATCHES_OF_VECTORS if readout.head is None and readout.rows == "token" else BATCHES_AT_ONCE
        self._most_tokens = batches * engine.batch_tokens
        self._most_characters = CHARACTERS_A_TOKEN * self._most_tokens

    def stream(
        self, rows: AnyRow | AnyRows, *, on_error: OnError = "stop", waits: Callable[[], bool] = never
    ) -> Iterator[Result | Failure]:
        """The answers, in order, as they are ready: any number of rows in bounded memory.

        What is read is answered when it is enough for some batches, and earlier where the next row is not there yet.

        Args:
            rows: any iterable of rows, a table, or one row.
            on_error: `stop` raises at a bad row; `record` gives a `Failure` in its place and goes on.
            waits: whether the next row would have to be waited for; asked after each row.

        Raises:
            InputError: at the first row that has no answer, where failures are not recorded. Those before it have been
                answered.
            NotFinite: likewise, at a row for which the model computes NaN or infinity.
        """
        held: list[Request | Failure] = []
        tokens = 0
        for chunk in self.chunks(rows, waits):
            for one in self.pipeline.prepare_all(chunk.rows):
                held.append(one)
                tokens += 1 if isinstance(one, Failure) else one.tokens
                if tokens >= self._most_tokens:
                    yield from self._answers(held, on_error)
                    held, tokens = [], 0
            if chunk.is_last or chunk.next_is_late:
                yield from self._answers(held, on_error)
                held, tokens = [], 0
            if chunk.error is not None:
                raise chunk.error

    def chunks(self, rows: Any, waits: Callable[[], bool], at_once: int = ROWS_READ_AT_ONCE) -> Iterator[Chunk]:
        """The rows, at most so many at a time; fewer where they are long."""
        source = enumerate(each_row(rows), 1)
        waited = 0.0
        chunk = Chunk()
        while not chunk.is_last:
            chunk, characters = Chunk(), 0
            while len(chunk.rows) < at_once and characters < self._most_characters and not chunk.next_is_late:
                before = self._clock()
                try:
                    number, row = next(source)
                except StopIteration:
                    chunk.is_last = True
                    break
                except BertkitError as error:
                    chunk.is_last, chunk.error = True, error
                    break
                waited += self._clock() - before
                chunk.rows.append(self.read(row, f"row {number}"))
                characters += _characters(chunk.rows[-1])
                chunk.next_is_late = waited > PATIENCE or waits()
            waited = 0.0 if chunk.next_is_late else waited
            yield chunk

    def read(self, given: object, place: str) -> Row | Failure:
        """A row that a caller gave, as fields and the place that errors about it begin with."""
        if isinstance(given, Row):
            return given
        return attempt(lambda: Row(fields_of(given, self.task.fields), place), place)

    def _answers(self, requests: Sequence[Request | Failure], on_error: OnError) -> Iterator[Result | Failure]:
        for one in self.outcomes(requests):
            yield recorded(one, on_error) if isinstance(one, Failure) else self.pipeline.result(one)

    def outcomes(self, requests: Sequence[Request | Failure]) -> Iterator[list[Outcome] | Failure]:
        """How each row was read and what the network gives for it, one a row's input; or why it has no answer."""
        ready = [request for request in requests if isinstance(request, Request)]
        # Each row's are let go of as soon as it is answered: vectors of tokens are megabytes a row.
        outputs = deque(self.engine.run([window for request in ready for window in request.windows]))
        for request in requests:
            if isinstance(request, Failure):
                yield request
                continue
            own = [outputs.popleft() for _ in request.windows]
            try:
                yield self.pipeline.outcomes(request, own)
            except BertkitError as error:
                yield Failure(error)


def _characters(row: Row | Failure) -> int:
    """How much text a row holds."""
    values = [] if isinstance(row, Failure) else row.fields.values()
    texts = (text for value in values for text in (value if isinstance(value, list | tuple) else [value]))
    return sum(len(text) for text in texts if isinstance(text, str))


def recorded(failure: Failure, on_error: OnError) -> Failure:
    """The failure, where failures are recorded.

    Raises:
        BertkitError: they are not.
    """
    if on_error == "record":
        return failure
    raise failure.error from None


def check_on_error(on_error: str) -> None:
    """Refuses a word that says nothing about bad rows.

    Raises:
        UserError: naming the nearest one.
    """
    if on_error not in get_args(OnError):
        raise UserError(
            f"on_error is {on_error!r}{near_match(str(on_error), get_args(OnError))}", "Choose stop or record."
        )
