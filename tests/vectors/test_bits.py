from __future__ import annotations

import numpy as np
import pytest

from bertkit.vectors import bits
from bertkit.vectors.bits import BitTable, fewest
from bertkit.vectors.quantising import quantize_embeddings

RANDOM = np.random.default_rng(0)


@pytest.mark.parametrize("width", [3, 64, 70, 384])
@pytest.mark.parametrize("precision", ["binary", "ubinary"])
def test_it_counts_what_differs(monkeypatch: pytest.MonkeyPatch, width: int, precision: str) -> None:
    monkeypatch.setattr(bits, "AT_ONCE", 7)
    vectors_NW = RANDOM.normal(size=(30, width)).astype(np.float32)
    query_W = RANDOM.normal(size=width).astype(np.float32)
    table = BitTable(quantize_embeddings(vectors_NW, precision))  # type: ignore[arg-type]
    expected_N = ((vectors_NW > 0) != (query_W > 0)).sum(axis=1)
    assert np.array_equal(table.differing(query_W), expected_N)
    assert (len(table), table.nbytes) == (30, 30 * 8 * -(-width // 64))


@pytest.mark.parametrize("count", [1, 4, 5, 6, 20, 30, 40])
def test_the_fewest_are_those_of_a_stable_sort(count: int) -> None:
    numbers_N = RANDOM.integers(0, 6, 30).astype(np.uint16)
    expected = sorted(np.argsort(numbers_N, kind="stable")[:count].tolist())
    assert fewest(numbers_N, count).tolist() == expected
