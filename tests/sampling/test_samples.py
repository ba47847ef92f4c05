from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bertkit.config.training import Sequences
from bertkit.corpora.boundaries import document_token_ends
from bertkit.corpora.shards import Shard
from bertkit.errors import InputError
from bertkit.sampling.samples import Samples, plan
from bertkit.tokenization.template import Frame, SpecialTokens, Template
from tests.calls import python_calls
from tests.corpora.shard_files import random_shard, shard_of, shard_of_lengths

FRAME = Template(
    single=Frame(SpecialTokens([2], [0]), 0, SpecialTokens([], []), 0, SpecialTokens([3], [0])),
    pair=Frame(SpecialTokens([2], [0]), 0, SpecialTokens([3], [0]), 1, SpecialTokens([3], [1])),
)
LENGTHS = st.lists(st.lists(st.integers(0, 25), max_size=6), min_size=1, max_size=8)
SEEDS = st.integers(0, 1000)


def planned(
    shard: Shard, arrangement: Sequences, *, length: int = 32, seed: int = 0, epoch: int = 0, short: float = 0.1
) -> Samples:
    return plan(
        shard, arrangement, length=length, frame=FRAME, seed=seed, epoch=epoch, shard_number=0, short_share=short
    )


def documents_of(shard: Shard, offsets: np.ndarray) -> np.ndarray:
    return np.searchsorted(document_token_ends(shard), offsets, side="right")


def whole_documents(lengths: list[list[int]]) -> int:
    return sum(any(document) for document in lengths)


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


def test_lengths_do_not_say_whether_parts_are_exchanged() -> None:
    """Where there is one token more than two halves, it goes to the part that is read first, whichever that was."""
    shard = shard_of_lengths([[40, 40]] * 400)
    samples = planned(shard, "sentence-order", length=20, short=0.0)  # room for 17 tokens
    first_S = samples.parts_S4[:, 1] - samples.parts_S4[:, 0]
    assert {0, 1} == set(samples.second_S.tolist())
    assert first_S.tolist() == [9] * len(samples)


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


@pytest.mark.parametrize("arrangement", ["next-sentence", "sentence-order", "full-sentences", "documents"])
def test_a_plan_is_a_function_of_its_arguments(arrangement: Sequences) -> None:
    shard = random_shard(2, documents=50)

    def made(**changes: int) -> list[list[int]]:
        values = {"seed": 1, "epoch": 1, "shard_number": 1, **changes}
        return plan(shard, arrangement, length=32, frame=FRAME, short_share=0.1, **values).parts_S4.tolist()

    assert made() == made()
    assert all(made() != made(**{name: 2}) for name in ("seed", "epoch", "shard_number"))


def test_a_length_without_room_is_refused() -> None:
    with pytest.raises(InputError, match="room for 1 of text beside 3 special tokens"):
        planned(random_shard(2, documents=5), "next-sentence", length=4)


def test_a_shard_without_text_has_no_samples() -> None:
    assert len(planned(shard_of([]), "full-sentences")) == 0
    assert len(planned(shard_of([[[]], []]), "documents")) == 0
    assert len(planned(shard_of([]), "sentence-order")) == 0


@pytest.mark.parametrize("arrangement", ["next-sentence", "sentence-order", "full-sentences", "documents"])
def test_a_shard_is_planned_by_its_documents_not_by_its_tokens(arrangement: Sequences) -> None:
    shard = random_shard(3, documents=1000, sentences=34, tokens=46)
    assert python_calls(lambda: planned(shard, arrangement, length=128)) < 0.1 * len(shard.tokens)
