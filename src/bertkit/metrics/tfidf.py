"""Words and pairs of neighbouring words, counted and weighed by how rare they are (TF-IDF): what needs no encoder.

Shapes: `N` rows, `W` columns.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from scipy import sparse

WORD = re.compile(r"\w+|[^\w\s]")
Row = Sequence[str]  # a text, or several of which each has columns of its own


@dataclass(frozen=True)
class TfIdf:
    """The columns, learnt from rows, and how rows become numbers.

    Attributes:
        columns: of each word or pair of words, with the place of its text in the row.
        weight_W: of each column, higher the fewer rows have it.
    """

    columns: dict[tuple[int, str], int]
    weight_W: np.ndarray[tuple[int, ...], np.dtype[np.float32]]

    @classmethod
    def of(cls, rows: Sequence[Row], most: int) -> TfIdf:
        """Of these rows, with the `most` columns that most rows have, of equal ones the first by name."""
        found = Counter(term for row in rows for term in set(_terms(row)))
        chosen = sorted(found, key=lambda term: (-found[term], term))[:most]
        shares = np.array([found[term] for term in chosen], np.float64)
        weights = np.log((1.0 + len(rows)) / (1.0 + shares)) + 1.0
        return cls({term: place for place, term in enumerate(chosen)}, weights.astype(np.float32))

    def __call__(self, rows: Sequence[Row]) -> sparse.csr_matrix:
        """Rows of length 1, (N, W), float32; of a text with no known word, all 0."""
        starts, places, values = [0], [], []
        for row in rows:
            counts = Counter(self.columns[term] for term in _terms(row) if term in self.columns)
            numbers = np.array([1.0 + np.log(count) for count in counts.values()], np.float32)
            numbers *= self.weight_W[list(counts)] if counts else 1.0
            places += list(counts)
            values.append(numbers / max(float(np.linalg.norm(numbers)), 1e-12))
            starts.append(len(places))
        data = np.concatenate(values) if values else np.zeros(0, np.float32)
        return sparse.csr_matrix((data, places, starts), shape=(len(rows), len(self.columns)))


def _terms(row: Row) -> Iterable[tuple[int, str]]:
    for place, text in enumerate(row):
        words = WORD.findall(text.lower())
        yield from ((place, word) for word in words)
        yield from ((place, f"{one} {other}") for one, other in pairwise(words))
