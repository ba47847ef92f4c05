"""Held-out pairs of texts: do their vectors' cosines rank pairs as people do, and do texts find their own second?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from bertkit.data.examples import Example
from bertkit.data.rows import Row
from bertkit.evaluation.results import Result
from bertkit.evaluation.task_scores import Scores, score_results
from bertkit.inference.answerer import Answerer
from bertkit.inference.engine import Engine
from bertkit.tasks.reading import Reader
from bertkit.training.evaluation import Measures, evaluating
from bertkit.training.sharing import Sharing
from bertkit.training.trainee import Trainee

BATCH_TOKENS = 4096


class HeldOutPairs:
    """Measures sentence-embedding on pairs of texts, with or without a score each.

    Attributes:
        records: the cosine of each pair, `{"value": 0.7}`.
    """

    def __init__(self, reader: Reader, examples: Sequence[Example]) -> None:
        self._reader = reader
        self._examples = examples
        self._scored = isinstance(examples[0].target, float)
        self.scores: Scores | None = None
        self.records: list[Mapping[str, object]] = []

    def measure(self, trainee: Trainee, sharing: Sharing) -> Measures:
        """Correlation of cosines and scores; without scores the mean reciprocal rank of each text's own second text."""
        with evaluating(trainee, sharing):
            engine = Engine(trainee.encoder, None, self._reader.task, BATCH_TOKENS)
            answerer = Answerer(engine, self._reader, "float32")
            firsts_PW, seconds_PW = (self._vectors(answerer, field) for field in ("text", "text_pair"))
        cosines_P = (firsts_PW * seconds_PW).sum(axis=1)
        self.records = [{"value": float(cosine)} for cosine in cosines_P]
        if self._scored:
            places = (example.row.place for example in self._examples)
            results = [Result(record, place) for record, place in zip(self.records, places, strict=True)]
            self.scores = score_results(self._reader.task.name, None, results, self._examples)
        else:
            better_P = (firsts_PW @ seconds_PW.T > cosines_P[:, None]).sum(axis=1)
            self.scores = Scores({"mrr": float((1 / (1 + better_P)).mean()), "accuracy": float((better_P == 0).mean())})
        return dict(self.scores.metrics)

    def score(self, measures: Measures) -> float:
        """The rank correlation, or the mean reciprocal rank, so that lower is better."""
        return -measures["spearmanr" if self._scored else "mrr"]

    def _vectors(self, answerer: Answerer, field: str) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
        rows = (Row({"text": example.row.fields[field]}, example.row.place) for example in self._examples)
        vectors_PW = np.array([answer.record()["embedding"] for answer in answerer.stream(rows)])
        norms_P1: np.ndarray[tuple[int, ...], np.dtype[np.float64]]
        norms_P1 = np.linalg.norm(vectors_PW, axis=1, keepdims=True)
        vectors_PW /= np.maximum(norms_P1, 1e-12)
        return vectors_PW
