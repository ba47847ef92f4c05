"""A model's answers to examples, as records that can be scored."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from bertkit.formats.row import Row
from bertkit.labelled.examples import Example
from bertkit.metrics.results import Prediction
from bertkit.tasks.catalogue import find_spec
from bertkit.tasks.contract import Task

Vectors = npt.NDArray[np.float64]


class Answering(Protocol):
    """What answers rows in their order: a model, or one that is being trained."""

    @property
    def task(self) -> Task: ...

    def stream(self, rows: Iterable[Row], /) -> Iterator[Any]: ...


def predicted_records(
    model: Answering, examples: Sequence[Example], tick: Callable[[float], None] = lambda examples: None
) -> list[Prediction]:
    """One record for each example; for a pair of texts of sentence-embedding `{"value": cosine}`.

    Args:
        tick: called as examples are answered, with how many more are.

    Raises:
        InputError: an example cannot be read; file and line are named.
    """
    records: list[Mapping[str, object]]
    if find_spec(model.task.name).compares:
        first_PW = vectors_of(model, examples, "text")
        cosines_P = (first_PW * vectors_of(model, examples, "text_pair")).sum(1)
        tick(len(examples))
        records = [{"value": float(cosine)} for cosine in cosines_P]
    else:
        records = []
        for answer in model.stream(example.row for example in examples):
            records.append(answer.record())
            tick(1)
    return [Prediction(record, example.row.place) for record, example in zip(records, examples, strict=True)]


def vectors_of(model: Answering, examples: Sequence[Example], field: str) -> Vectors:
    """The vector of one of the texts of each example, of length 1, (P, W)."""
    return unit_vectors(model, (Row({"text": one.row.fields[field]}, one.row.place) for one in examples))


def unit_vectors(model: Answering, rows: Iterable[Row]) -> Vectors:
    """The vector of each row's text, of length 1, (P, W)."""
    vectors_PW = np.array([answer.vector for answer in model.stream(rows)], dtype=np.float64)
    norms_P1: Vectors = np.linalg.norm(vectors_PW, axis=1, keepdims=True)
    vectors_PW /= np.maximum(norms_P1, 1e-12)
    return vectors_PW
