"""A task's two halves around a network: a row becomes windows of tokens, and their outputs an answer. Torch-free.

What `predict`, evaluation, explanations and a server share. Which numbers there are between the halves, and who
computes them, is not known here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import islice
from typing import TypeVar

import numpy as np

from bertkit.errors import BertkitError, NotFinite
from bertkit.formats.row import Row
from bertkit.inference.backend import Outputs
from bertkit.tasks.contract import Outcome, Reading, Result, Texts
from bertkit.tasks.reading import Reader
from bertkit.tokenization.tokens import Tokens
from bertkit.tokenization.windows import Encoded, Window


@dataclass(frozen=True, slots=True)
class Failure:
    """A row that has no answer, and why."""

    error: BertkitError

    def record(self) -> dict[str, object]:
        """The error as JSON values, in the place of an answer."""
        return self.error.record()


@dataclass(frozen=True, slots=True)
class Request:
    """A row that was read: its inputs, each in windows.

    Attributes:
        place: where the row came from, which begins every error about it.
    """

    place: str
    inputs: Sequence[tuple[Texts, Encoded]]

    @property
    def windows(self) -> list[Window]:
        """What is computed for it."""
        return [window for _, encoded in self.inputs for window in encoded.windows]

    @property
    def tokens(self) -> int:
        """How many tokens are computed for it."""
        return sum(len(window.ids) for window in self.windows)


class Pipeline:
    """Reads rows, and decides answers.

    Args:
        dtype: the precision that outputs were computed in, for the records.
        blame: why outputs are not finite, in words, where anyone knows.
    """

    def __init__(self, reader: Reader, dtype: str, blame: Callable[[], str] = str) -> None:
        self.reader = reader
        self.task = reader.task
        self.dtype = dtype
        self._blame = blame

    def prepare(self, row: Row) -> Request:
        """One row in windows.

        Raises:
            InputError: the task has no answer for it; its place is named.
        """
        (found,) = self.prepare_all([row])
        if isinstance(found, Failure):
            raise found.error
        return found

    def prepare_all(self, rows: Sequence[Row | Failure]) -> list[Request | Failure]:
        """Each row in windows, or why it has no answer. All texts are tokenised in one call."""
        read = [
            row if isinstance(row, Failure) else attempt(partial(self.task.read, row.fields), row.place) for row in rows
        ]
        tokens = self.reader.tokenize(texts for one in read if not isinstance(one, Failure) for texts in one)
        return [self._request(row, inputs, tokens) for row, inputs in zip(rows, read, strict=True)]

    def outcomes(self, request: Request, outputs: Iterable[Outputs]) -> list[Outcome]:
        """How each input was read and what the network gives for it.

        Args:
            outputs: of the request's windows, in their order.

        Raises:
            NotFinite: a number of them is NaN or infinite; the row is named.
        """
        left = iter(outputs)
        found = [Outcome(*one, list(islice(left, len(one[1].windows)))) for one in request.inputs]
        if all(np.isfinite(array).all() for one in found for output in one.outputs for array in output):
            return found
        why = self._blame()
        error = NotFinite("the model's output is not finite but NaN or infinity" + (f", {why}" if why else ""))
        raise error.at(request.place)

    def finish(self, request: Request, outputs: Iterable[Outputs]) -> Result:
        """The answer of a row.

        Args:
            outputs: of the request's windows, in their order.

        Raises:
            NotFinite: as `outcomes`.
        """
        return self.result(self.outcomes(request, outputs))

    def result(self, outcomes: Sequence[Outcome]) -> Result:
        """The answer of a row whose outputs are known."""
        all_encoded = [outcome.encoded for outcome in outcomes]
        reading = Reading(
            input_tokens=sum(encoded.input_tokens for encoded in all_encoded),
            windows=max(len(encoded.windows) for encoded in all_encoded),
            truncated=any(encoded.truncated for encoded in all_encoded),
            dtype=self.dtype,
        )
        return self.task.decode(outcomes, reading)

    def _request(
        self, row: Row | Failure, inputs: tuple[Texts, ...] | Failure, tokens: Mapping[str, Tokens]
    ) -> Request | Failure:
        if isinstance(row, Failure):
            return row
        if isinstance(inputs, Failure):
            return inputs

        def step() -> Request:
            return Request(row.place, list(zip(inputs, self.reader.encode(inputs, tokens), strict=True)))

        return attempt(step, row.place)


Value = TypeVar("Value")


def attempt(step: Callable[[], Value], place: str) -> Value | Failure:
    """`step()`, or why the row at this place cannot be answered."""
    try:
        return step()
    except BertkitError as error:
        return Failure(error.at(place))
