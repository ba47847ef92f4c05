"""Masks of fine-tuning: a function of the seed, the epoch and the sample alone."""

from __future__ import annotations

from itertools import islice, pairwise
from pathlib import Path

import numpy as np
import pytest

from bertkit.batching.packed import GlobalBatch
from bertkit.config.training import Masking
from bertkit.sampling.masking import MaskRules
from bertkit.sampling.sample_stream import Sample, SampleStream
from bertkit.sampling.stream import Position
from bertkit.tokenization.tokenizer import Tokenizer

PIECES = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *(f"w{number}" for number in range(90))]
# Every sample has a first word of its own, by which it is known again.
SAMPLES = [Sample(([2, *range(5 + number, 45 + number), 3],), ([0] * 42,), {}) for number in range(20)]


@pytest.fixture
def stream(tmp_path: Path) -> SampleStream:
    (tmp_path / "vocab.txt").write_text("\n".join(PIECES))
    rules = MaskRules.of(Tokenizer.load_file(tmp_path / "vocab.txt"), Masking(rate=0.3))
    return SampleStream(SAMPLES, 8, 5, rules)


def masks_of(batch: GlobalBatch, groups: list[list[int]]) -> dict[int, list[tuple[int, int, int]]]:
    """Of each sample, by its first word: place, id that stands there, id to predict."""
    found = {}
    for group in groups:
        packed = batch.pack(group)
        masked_M, ids_M = packed.targets["masked_M"], packed.targets["masked_ids_M"]
        whole_T = packed.ids_T.copy()
        whole_T[masked_M] = ids_M
        assert np.all(np.diff(masked_M) > 0)
        starts = np.cumsum([0, *packed.lengths])
        for begin, end in pairwise(starts):
            inside = (masked_M >= begin) & (masked_M < end)
            assert whole_T[begin:end].tolist() == SAMPLES[whole_T[begin + 1] - 5].ids[0]
            shown = packed.ids_T[masked_M[inside]]
            places = (masked_M[inside] - begin).tolist()
            found[int(whole_T[begin + 1])] = list(zip(places, shown.tolist(), ids_M[inside].tolist(), strict=True))
    return found


def test_masks_do_not_depend_on_how_a_batch_is_divided(stream: SampleStream) -> None:
    batch, _ = next(iter(stream.batches(Position())))
    together, apart = masks_of(batch, [list(range(8))]), masks_of(batch, [[5, 1], [7, 0, 2], [3], [6, 4]])
    assert together == apart
    assert len(together) == 8
    assert all(together.values())


def test_each_epoch_has_masks_of_its_own_and_going_on_finds_them_again(stream: SampleStream) -> None:
    steps = list(islice(stream.batches(Position()), 6))  # two epochs of 8, 8 and 4 samples
    epochs = [{}, {}]
    for number, (batch, _) in enumerate(steps):
        epochs[number // 3] |= masks_of(batch, [list(range(len(batch.lengths)))])
    assert epochs[0].keys() == epochs[1].keys()
    assert sum(epochs[0][word] == epochs[1][word] for word in epochs[0]) == 0
    again, _ = next(iter(stream.batches(steps[3][1])))
    assert masks_of(again, [list(range(8))]) == masks_of(steps[4][0], [list(range(8))])
    share = sum(map(len, epochs[0].values())) / (20 * 40)
    assert share == pytest.approx(0.3, abs=0.06)
