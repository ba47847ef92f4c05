from __future__ import annotations

import numpy as np
import pytest

from bertkit.sampling.audit_pairs import FalsePairs, false_pairs
from bertkit.sampling.framing import SequenceSource
from bertkit.sampling.samples import Samples
from tests.corpora.shard_files import shard_of

RANDOM = np.random.default_rng(0)
LONG, OTHER = (RANDOM.integers(5, 100, 60).tolist() for _ in range(2))


@pytest.mark.parametrize(
    ("first", "second", "kind"),
    [
        ([LONG], [OTHER], None),
        ([LONG], [LONG], "near_duplicates"),
        ([LONG], [LONG[:20], OTHER[:10], LONG[20:]], "near_duplicates"),
        ([LONG, OTHER], [LONG[:40]], "near_duplicates"),
        ([LONG], [LONG[:20], OTHER], "overlaps"),
        ([[5, 6], LONG], [[5, 6], OTHER], "same_opening"),
        ([[5, 6], LONG], [[5, 7], OTHER], None),
    ],
)
def test_pairs_that_are_falsely_not_next_are_found(
    first: list[list[int]], second: list[list[int]], kind: str | None
) -> None:
    shard = shard_of([first, second])
    middle = sum(map(len, first))
    parts = np.array([[0, 5, middle, middle + len(second[0])]])
    samples = Samples(parts, np.ones(1, np.int8), np.ones(1, np.int64), np.zeros(1, np.int64), 0)
    found = false_pairs(SequenceSource.of(shard), samples, 10)
    assert found.examined == 1
    assert found.share == (kind is not None)
    if kind is not None:
        assert getattr(found, kind) == 1


def test_a_pair_of_one_document_is_found() -> None:
    parts = np.array([[0, 5, 10, 20]])
    samples = Samples(parts, np.ones(1, np.int8), np.ones(1, np.int64), np.zeros(1, np.int64), 0)
    found = false_pairs(SequenceSource.of(shard_of([[LONG]])), samples, 10)
    assert found == FalsePairs(1, same_document=1)
    assert FalsePairs.total([found, found]) == FalsePairs(2, same_document=2)
