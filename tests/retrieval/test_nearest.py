from __future__ import annotations

import numpy as np
import pytest

from bertkit.retrieval import nearest
from bertkit.retrieval.nearest import StoredVectors
from bertkit.retrieval.vector_files import KEPT, first_ranges
from bertkit.vectors.quantising import Ranges, dequantize_embeddings, quantize_embeddings

RANDOM = np.random.default_rng(0)
VECTORS_NW = RANDOM.normal(size=(300, 70)).astype(np.float32)
VECTORS_NW[7] = VECTORS_NW[250]  # equal scores
QUERY_W = VECTORS_NW[7] + 0.1


def stored(precision: str) -> StoredVectors:
    ranges = first_ranges(VECTORS_NW) if precision == "int8" else None
    files = {kind: quantize_embeddings(VECTORS_NW, kind, ranges) for kind in KEPT[precision]}  # type: ignore[index, arg-type]
    hidden_N = np.zeros(len(VECTORS_NW), np.bool_)
    hidden_N[[3, 200]] = True
    return StoredVectors(files, hidden_N, ranges)


def brute_force(vectors: StoredVectors, ranges: Ranges | None, count: int, allowed_N: np.ndarray) -> list[int]:
    kind = next(one for one in vectors.files if one != "ubinary")
    scores_N = dequantize_embeddings(vectors.files[kind], kind, ranges) @ QUERY_W  # type: ignore[arg-type]
    scores_N[~allowed_N | vectors.hidden_N] = -np.inf
    order = np.argsort(-scores_N, kind="stable")[:count]
    return [int(place) for place in order if scores_N[place] > -np.inf]


@pytest.mark.parametrize("precision", ["float16", "int8", "binary"])
@pytest.mark.parametrize("share", [1.0, 0.5, 0.1, 0.0])
@pytest.mark.parametrize("count", [1, 10, 400])
def test_it_is_what_brute_force_finds(
    monkeypatch: pytest.MonkeyPatch, precision: str, share: float, count: int
) -> None:
    monkeypatch.setattr(nearest, "AT_ONCE", 64)
    vectors = stored(precision)
    allowed_N = RANDOM.random(len(VECTORS_NW)) < share
    allowed_N[[7, 250]] = share > 0
    found = vectors.nearest(QUERY_W, count, None if share == 1.0 else allowed_N)
    assert found.vectors_K.tolist() == brute_force(vectors, vectors.ranges, count, allowed_N)
    assert sorted(found.scores_K, reverse=True) == found.scores_K.tolist()


def test_of_bits_the_likeliest_are_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(nearest, "LIKELY", 20)
    monkeypatch.setattr(nearest, "LIKELY_TIMES", 2)
    found = stored("binary").nearest(QUERY_W, 2)
    assert found.vectors_K.tolist() == [7, 250]


def test_of_no_vector_nothing_is_found() -> None:
    empty = StoredVectors({"float16": np.empty((0, 70), np.float16)}, np.zeros(0, np.bool_))
    assert len(empty.nearest(QUERY_W, 3).vectors_K) == 0
