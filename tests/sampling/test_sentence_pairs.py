from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bertkit.config.training import Sequences
from bertkit.corpora.boundaries import document_token_ends
from bertkit.corpora.shards import Shard
from bertkit.errors import InputError
from bertkit.sampling.samples import Samples
from tests.corpora.shard_files import random_shard, shard_of, shard_of_lengths
from tests.sampling.planned import LENGTHS, SEEDS, documents_of, planned


def whole_documents(lengths: list[list[int]]) -> int:
    return sum(any(document) for document in lengths)


def pairs_hold(shard: Shard, samples: Samples, length: int) -> None:
    parts, second = samples.parts_S4, samples.second_S
    assert (parts[:, 1::2] > parts[:, ::2]).all()
    assert (samples.lengths_S <= length).all()
    assert (samples.lengths_S == (parts[:, 1::2] - parts[:, ::2]).sum(1) + 3).all()
    documents = documents_of(shard, parts)
    assert (documents[:, 0] == documents_of(shard, parts[:, 1] - 1)).all()
    assert (documents[:, 2] == documents_of(shard, parts[:, 3] - 1)).all()
    assert set(second.tolist()) <= {0, 1}
    # Untrimmed parts are whole sentences, and a second part that follows begins where the first ends.
    whole = samples.trimmed_S == 0
    assert np.isin(parts[whole], shard.sentence_ends).all()
    follows = whole & (second == 0)
    assert (parts[follows, 1] == parts[follows, 2]).all()
    assert (documents[second == 0, 0] == documents[second == 0, 2]).all()
    assert (samples.lengths_S[~whole] == length).all()


@given(LENGTHS, SEEDS, st.integers(8, 40), st.floats(0.0, 1.0))
def test_next_sentences_never_pair_a_document_with_itself(
    lengths: list[list[int]], seed: int, length: int, short: float
) -> None:
    shard = shard_of_lengths(lengths)
    if whole_documents(lengths) < 2:
        with pytest.raises(InputError, match="fewer than two documents"):
            planned(shard, "next-sentence", length=length, seed=seed, short=short)
        return
    samples = planned(shard, "next-sentence", length=length, seed=seed, short=short)
    pairs_hold(shard, samples, length)
    documents = documents_of(shard, samples.parts_S4)
    assert (documents[samples.second_S == 1, 0] != documents[samples.second_S == 1, 2]).all()
    # Each document of two or more sentences begins a sample; what is left out is single and counted.
    singles = sum(len([length for length in document if length]) == 1 for document in lengths)
    assert samples.left_out_sentences >= singles
    begun = set(documents[:, 0].tolist())
    assert len(begun) == whole_documents(lengths) - singles


@given(LENGTHS, SEEDS, st.integers(8, 40))
def test_sentence_order_swaps_neighbours(lengths: list[list[int]], seed: int, length: int) -> None:
    shard = shard_of_lengths(lengths)
    samples = planned(shard, "sentence-order", length=length, seed=seed)
    pairs_hold(shard, samples, length)
    swapped = samples.second_S == 1
    assert (samples.parts_S4[swapped, 2] < samples.parts_S4[swapped, 0]).all()
    documents = documents_of(shard, samples.parts_S4)
    assert (documents[:, 0] == documents[:, 2]).all()
    ends = document_token_ends(shard)
    whole = swapped & (samples.trimmed_S == 0)
    assert (samples.parts_S4[whole, 3] == samples.parts_S4[whole, 0]).all()
    # Chunks follow one another: with the sentences left out and the tokens trimmed they are the whole shard.
    if not samples.left_out_sentences:
        used = (samples.lengths_S - 3).sum() + samples.trimmed_S.sum()
        assert used == ends[-1]


def test_sentences_that_another_document_took_the_place_of_are_put_back() -> None:
    shard = shard_of_lengths([[3] * 40, [3] * 40])
    samples = planned(shard, "next-sentence", length=33, short=0.0)  # ten sentences: nothing to trim
    again = np.flatnonzero(samples.second_S[:-1] == 1)
    assert len(again) > 2
    for stop, following in zip(samples.parts_S4[again, 1], samples.parts_S4[again + 1, 0], strict=True):
        assert following == stop or stop in (117, 237)  # the latter leave one sentence alone


def test_trimming_takes_from_the_longer_part_and_is_counted() -> None:
    shard = shard_of_lengths([[50, 4], [50, 4], [50, 60]])
    seen = set()
    for seed in range(60):
        samples = planned(shard, "sentence-order", seed=seed, short=0.0)
        assert samples.trimmed_S.tolist() == [25, 25, 81]
        sizes = np.sort(samples.parts_S4[:, 1::2] - samples.parts_S4[:, ::2], axis=1)
        assert sizes.tolist() == [[4, 25], [4, 25], [14, 15]]
        seen.add(int(samples.parts_S4[:2, ::2].min()))
    assert len(seen) > 10  # off the front and off the back


def test_short_samples_have_all_lengths() -> None:
    shard = shard_of([[[5]] * 4000, [[6]] * 4000])
    samples = planned(shard, "sentence-order", length=13, short=1.0)
    assert set(samples.lengths_S.tolist()) == set(range(5, 14))
    full = planned(shard, "sentence-order", length=13, short=0.0)
    assert np.mean(full.lengths_S == 13) > 0.99


@pytest.mark.parametrize("arrangement", ["next-sentence", "sentence-order"])
@pytest.mark.parametrize("tokens", [3, 30, 90])  # ninety: nearly all chunks are of one sentence at first
def test_half_of_the_second_parts_follow(arrangement: Sequences, tokens: int) -> None:
    shard = random_shard(1, documents=4000, tokens=tokens)
    samples = planned(shard, arrangement)
    error = 0.5 / len(samples) ** 0.5
    assert abs(samples.second_S.mean() - 0.5) < 4 * error


def test_lengths_do_not_say_whether_parts_are_exchanged() -> None:
    """Where there is one token more than two halves, it goes to the part that is read first, whichever that was."""
    shard = shard_of_lengths([[40, 40]] * 400)
    samples = planned(shard, "sentence-order", length=20, short=0.0)  # room for 17 tokens
    first_S = samples.parts_S4[:, 1] - samples.parts_S4[:, 0]
    assert {0, 1} == set(samples.second_S.tolist())
    assert first_S.tolist() == [9] * len(samples)
