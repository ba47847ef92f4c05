"""The nearest of stored vectors are those that a plain sort finds."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from bertkit.config.vectors import VectorPrecision
from bertkit.errors import UserError
from bertkit.vectors import search
from bertkit.vectors.quantising import Ranges, dequantize_embeddings, quantize_embeddings
from bertkit.vectors.search import quantized_search

RANDOM = np.random.default_rng(1)
WIDTH = 37


def units(count: int) -> np.ndarray:  # type: ignore[type-arg]
    vectors_NW = RANDOM.normal(size=(count, WIDTH)).astype(np.float32)
    return vectors_NW / np.linalg.norm(vectors_NW, axis=1, keepdims=True)


CORPUS_NW, QUERIES_QW = units(501), units(6)


@pytest.fixture(autouse=True)
def small_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(search, "CHUNK_BYTES", 10_000)


@pytest.mark.parametrize("precision", ["float32", "float16", "int8", "uint8"])
def test_as_a_plain_sort_of_what_the_numbers_stand_for(precision: VectorPrecision) -> None:
    ranges = Ranges.of(CORPUS_NW)
    stored_NW = quantize_embeddings(CORPUS_NW, precision, ranges)
    found = quantized_search(QUERIES_QW, stored_NW, precision, top_k=9, ranges=ranges)
    scores_QN = QUERIES_QW @ dequantize_embeddings(stored_NW, precision, ranges).T
    assert (found.places_QK == np.argsort(-scores_QN, axis=1)[:, :9]).all()
    assert np.allclose(found.scores_QK, -np.sort(-scores_QN, axis=1)[:, :9], atol=1e-5)


@pytest.mark.parametrize("precision", ["binary", "ubinary"])
def test_bits_are_looked_at_again_with_the_query(precision: VectorPrecision) -> None:
    stored_NB = quantize_embeddings(CORPUS_NW, precision)
    signs_NW = np.where(CORPUS_NW > 0, np.float32(1), np.float32(-1))
    differing_QN = ((QUERIES_QW[:, None] > 0) != (CORPUS_NW > 0)).sum(-1)
    scores_QN = QUERIES_QW @ signs_NW.T / np.sqrt(WIDTH)
    found = quantized_search(QUERIES_QW, stored_NB, precision, top_k=5, rescore_multiplier=3)
    for query, places in enumerate(found.places_QK):
        likely = np.argsort(differing_QN[query], kind="stable")[:15]
        expected = likely[np.argsort(-scores_QN[query, likely])][:5]
        assert set(places) == set(expected)
        assert np.allclose(found.scores_QK[query], scores_QN[query, places], atol=1e-5)
        assert (np.diff(found.scores_QK[query]) <= 0).all()
    every = quantized_search(QUERIES_QW, stored_NB, precision, top_k=5, rescore_multiplier=200)
    assert np.allclose(every.scores_QK, -np.sort(-scores_QN, axis=1)[:, :5], atol=1e-5)


def test_fewer_than_are_wanted_and_one_query() -> None:
    found = quantized_search(QUERIES_QW[0], CORPUS_NW[:3], "float32")
    assert found.places_QK.shape == (1, 3)
    assert sorted(found.places_QK[0]) == [0, 1, 2]
    assert quantized_search(QUERIES_QW, CORPUS_NW[:0], "float32").places_QK.shape == (6, 0)


def test_of_equal_scores_the_first_comes_first() -> None:
    twice_NW = np.concatenate([CORPUS_NW[:50], CORPUS_NW[:50]])
    found = quantized_search(CORPUS_NW[:50], twice_NW, "float32", top_k=2)
    assert (found.places_QK == np.stack([np.arange(50), np.arange(50) + 50], axis=1)).all()


def test_what_is_stored_may_be_mapped_from_a_file(tmp_path: Path) -> None:
    np.save(tmp_path / "v.npy", quantize_embeddings(CORPUS_NW, "ubinary"))
    mapped = np.load(tmp_path / "v.npy", mmap_mode="r")
    found = quantized_search(CORPUS_NW[:4], mapped, "ubinary", top_k=1)
    assert found.places_QK.tolist() == [[0], [1], [2], [3]]


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda: quantized_search(QUERIES_QW, CORPUS_NW, "float32", top_k=0), "top_k is 0"),
        (
            lambda: quantized_search(QUERIES_QW, CORPUS_NW, "ubinary"),
            "queries of 37 numbers, and stored vectors of shape",
        ),
        (lambda: quantized_search(QUERIES_QW, CORPUS_NW.astype(np.int8), "int8"), "bytes without their ranges"),
        (
            lambda: quantized_search(QUERIES_QW, CORPUS_NW.astype(np.int8), "int8", ranges=CORPUS_NW[:2, :3]),
            "ranges of 3",
        ),
    ],
)
def test_what_does_not_go_is_refused(call, says: str) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(UserError, match=says):
        call()
