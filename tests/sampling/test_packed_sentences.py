from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bertkit.config.training import Sequences
from bertkit.corpora.boundaries import document_token_ends
from tests.corpora.shard_files import shard_of, shard_of_lengths
from tests.sampling.planned import LENGTHS, SEEDS, documents_of, planned


@given(LENGTHS, SEEDS, st.integers(8, 40), st.sampled_from(["full-sentences", "documents"]))
def test_one_part_loses_nothing_and_keeps_to_the_length(
    lengths: list[list[int]], seed: int, length: int, arrangement: Sequences
) -> None:
    shard = shard_of_lengths(lengths)
    samples = planned(shard, arrangement, length=length, seed=seed)
    starts, stops = samples.parts_S4[:, 0], samples.parts_S4[:, 1]
    assert (stops > starts).all()
    assert [0, *stops.tolist()] == [*starts.tolist(), len(shard.tokens)]
    assert (samples.lengths_S <= length).all()
    assert not samples.parts_S4[:, 2:].any()
    assert (samples.second_S == -1).all()
    inside = [
        [end for end in document_token_ends(shard).tolist() if start < end < stop]
        for start, stop in samples.parts_S4[:, :2].tolist()
    ]
    assert samples.lengths_S.tolist() == (stops - starts + [len(ends) for ends in inside] + 2).tolist()
    if arrangement == "documents":
        assert not any(inside)
    # A cut inside a sentence is only made where the sentence is longer than the room.
    ends = np.asarray(shard.sentence_ends)
    for stop in set(stops.tolist()) - set(ends.tolist()):
        sentence = int(np.searchsorted(ends, stop))
        assert ends[sentence] - ends[sentence - 1] > length - 2


@given(LENGTHS, SEEDS)
def test_full_sentences_are_filled_as_far_as_whole_sentences_go(lengths: list[list[int]], seed: int) -> None:
    shard = shard_of_lengths(lengths)
    with pytest.MonkeyPatch.context() as patch:  # without the sequences that end early
        patch.setattr(
            "bertkit.sampling.packed_sentences.integers", lambda bound, *rest: np.zeros_like(rest[-1]) + bound - 1
        )
        samples = planned(shard, "full-sentences", seed=seed)
    ends = np.asarray(shard.sentence_ends).astype(int)
    document_ends = set(document_token_ends(shard).tolist())
    for place in range(len(samples) - 1):
        stop = int(samples.parts_S4[place, 1])
        following = int(ends[np.searchsorted(ends, stop, side="right")])
        assert samples.lengths_S[place] + (stop in document_ends) + following - stop > 32


def test_documents_take_no_more_sequences_than_they_need() -> None:
    shard = shard_of([[[5]] * 100, [[5]] * 30, [[5]] * 29, [[5] * 61]])
    for epoch in range(20):
        samples = planned(shard, "documents", epoch=epoch)
        assert np.bincount(documents_of(shard, samples.parts_S4[:, 0])).tolist() == [0, 4, 1, 1, 3]


@pytest.mark.parametrize("arrangement", ["full-sentences", "documents"])
def test_cuts_of_one_part_differ_between_epochs(arrangement: Sequences) -> None:
    shard = shard_of([[[5] * 7] * 50, [[6] * 400]])
    starts = {tuple(planned(shard, arrangement, epoch=epoch).parts_S4[:, 0].tolist()) for epoch in range(10)}
    assert len(starts) > 5
