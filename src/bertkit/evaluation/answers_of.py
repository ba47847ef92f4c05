"""A model's answers to examples, as records that can be scored."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import numpy as np
import numpy.typing as npt

from bertkit.formats.rows import Row
from bertkit.inference.answerer import Answerer
from bertkit.labelled.examples import Example
from bertkit.metrics.results import Result
from bertkit.tasks.sentence_embedding import SentenceEmbedding

Vectors = npt.NDArray[np.float64]


def answers_of(answerer: Answerer, examples: Sequence[Example]) -> list[Result]:
    """One record for each example; for a pair of texts of sentence-embedding `{"value": cosine}`.

    Raises:
        InputError: an example cannot be read; file and line are named.
    """
    records: list[Mapping[str, object]]
    if isinstance(answerer.task, SentenceEmbedding):
        cosines_P = (vectors_of(answerer, examples, "text") * vectors_of(answerer, examples, "text_pair")).sum(1)
        records = [{"value": float(cosine)} for cosine in cosines_P]
    else:
        records = [answer.record() for answer in answerer.stream(example.row for example in examples)]
    return [Result(record, example.row.place) for record, example in zip(records, examples, strict=True)]


def vectors_of(answerer: Answerer, examples: Sequence[Example], field: str) -> Vectors:
    """The vector of one of the texts of each example, of length 1, (P, W)."""
    return unit_vectors(answerer, (Row({"text": one.row.fields[field]}, one.row.place) for one in examples))


def unit_vectors(answerer: Answerer, rows: Iterable[Row]) -> Vectors:
    """The vector of each row's text, of length 1, (P, W)."""
    vectors_PW = np.array([answer.record()["embedding"] for answer in answerer.stream(rows)], dtype=np.float64)
    norms_P1: Vectors = np.linalg.norm(vectors_PW, axis=1, keepdims=True)
    vectors_PW /= np.maximum(norms_P1, 1e-12)
    return vectors_PW
