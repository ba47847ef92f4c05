"""What a model answers, beside the row it answers, in input order, rows that could not be read included."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from bertkit.cli.carried import Carried
from bertkit.errors import BertkitError, InputError
from bertkit.formats.row import Row
from bertkit.formats.standard_input import waits

if TYPE_CHECKING:
    from bertkit.inference.explain import Explainer
    from bertkit.inference.model import Model


NO_MORE = Carried()


@dataclass(frozen=True, slots=True)
class AnsweredRow:
    """A row and the JSON record of its result."""

    row: Row
    record: Mapping[str, object]


@dataclass(frozen=True, slots=True)
class FailedRow:
    """A row that has no answer, and why.

    Attributes:
        carried: what stands beside the error, of a row that could be read.
    """

    error: BertkitError
    carried: Mapping[str, object] = field(default_factory=dict)

    def record(self) -> dict[str, object]:
        """The error as JSON values, in the place of an answer."""
        return {**self.carried, **self.error.record()}


class Waiting:
    """What has been read but not answered yet, in order: rows that the model has, and rows that never reached it."""

    def __init__(self) -> None:
        self._items: deque[Row | InputError] = deque()

    def refused(self, error: InputError) -> None:
        """Notes a row that could not be read; its error keeps its place."""
        self._items.append(error)

    def watch(self, rows: Iterable[Row]) -> Iterator[Row]:
        """The same rows, each noted as the model takes it."""
        for row in rows:
            self._items.append(row)
            yield row

    def take_errors(self) -> Iterator[InputError]:
        """Removes and yields the errors that come before the next row."""
        while self._items and isinstance(self._items[0], InputError):
            yield self._items.popleft()  # type: ignore[misc]  # the line above looked

    def take_row(self) -> Row:
        """Removes the next row; there is one for every result of the model."""
        row = self._items.popleft()
        assert isinstance(row, Row)
        return row


def answers(
    model: Model | Explainer,
    rows: Iterable[Row],
    waiting: Waiting,
    on_error: Literal["stop", "record"],
    carried: Carried = NO_MORE,
) -> Iterator[AnsweredRow | FailedRow]:
    """Streams the rows through the model.

    Args:
        model: what answers.
        rows: the input; when reading it refuses a row, `waiting.refused` must be told.
        waiting: empty at the start and at the end.
        on_error: `record` yields the error of a failed row in its place; `stop` raises it.
        carried: what stands beside each answer.

    Raises:
        UserError: a column to carry is called as a field of the answer is.
    """
    from bertkit.inference.pipeline import Failure

    for result in model.stream(waiting.watch(rows), on_error=on_error, waits=waits):
        yield from map(FailedRow, waiting.take_errors())
        row = waiting.take_row()
        if isinstance(result, Failure):
            yield FailedRow(result.error, carried.of(row))
        else:
            yield AnsweredRow(row, carried.beside(row, result.record()))
    yield from map(FailedRow, waiting.take_errors())
