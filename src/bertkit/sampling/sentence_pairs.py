"""Samples of two parts: half of them follow one another, half do not (Devlin et al. 2018; Lan et al. 2019).

A chunk is whole sentences of one document, up to a target length: mostly all the room there is, for a share of samples
any length from 2 on. It is divided at a random sentence. Then a coin is thrown:

* `next-sentence`: the second part stays, or is taken from another document, from a random sentence on; the sentences
  that it would have been go into the next chunk.
* `sentence-order`: the two stay, or change places.

This is what google-research/bert's `create_pretraining_data.py` does, with these differences. There a chunk of one
sentence, which cannot be divided, always gets a second part from elsewhere, so that more than half do not follow; here
such a chunk takes one more sentence before the coin is thrown, and a sentence that stands alone at its document's end
is left out for this epoch, and counted. There another document may be the same one; here never. There one target
length is drawn a document; here one a sample. There each token too many is taken off one end or the other by a coin,
so that of a long part the middle is left; here the share taken off the front is even between none and all.
Shapes: `S` samples.
"""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from bertkit.batching.counter_random import Words, integers, uniform
from bertkit.corpora.boundaries import document_token_ends, sentence_token_ends
from bertkit.corpora.shards import Shard
from bertkit.errors import InputError

Offsets = npt.NDArray[np.int64]
_DRAWN_AT_ONCE = 1 << 16


@dataclass(frozen=True, slots=True)
class Rooms:
    """How long samples get: `room` tokens of text, but for `short_share` of them any number from 2 on."""

    room: int
    short_share: float

    def targets(self, key: Words, numbers_S: Offsets) -> Offsets:
        """The target length of each sample, in tokens of text."""
        any_S = 2 + integers(self.room - 1, key, "target", numbers_S)
        return np.where(uniform(key, "short", numbers_S) < self.short_share, any_S, self.room)


@dataclass(frozen=True, slots=True)
class Pairs:
    """Samples of two parts; the fields are those of `Samples`."""

    parts_S4: Offsets
    second_S: npt.NDArray[np.int8]
    trimmed_S: Offsets
    left_out_sentences: int


@dataclass(frozen=True, slots=True)
class _Chunks:
    """Sentences `[start, middle)` and `[middle, stop)` of each sample, its target and whether the coin said "not"."""

    start_S: Offsets
    middle_S: Offsets
    stop_S: Offsets
    target_S: Offsets
    not_S: npt.NDArray[np.bool_]
    left_out: int


def plan_two_parts(shard: Shard, rooms: Rooms, key: Words, *, others: bool) -> Pairs:
    """The pairs of a shard.

    Args:
        others: the second parts that do not follow are another document's; else the parts change places.

    Raises:
        InputError: `others`, and the shard has fewer than two documents.
    """
    ends = sentence_token_ends(shard)
    document_ends = np.searchsorted(ends, document_token_ends(shard))
    if others and len(document_ends) < 3:
        raise too_few_documents(f"shard {shard.name}")
    chunks = _chunks(ends, document_ends, rooms, key, put_back=others)
    parts_S4 = np.stack(
        [ends[chunks.start_S], ends[chunks.middle_S], ends[chunks.middle_S], ends[chunks.stop_S]], axis=1
    )
    if others:
        _take_elsewhere(parts_S4, ends, document_ends, chunks, key)
    trimmed_S = _trim(parts_S4, rooms.room, key)
    if not others:
        parts_S4[chunks.not_S] = parts_S4[chunks.not_S][:, [2, 3, 0, 1]]
    return Pairs(parts_S4, chunks.not_S.astype(np.int8), trimmed_S, chunks.left_out)


def too_few_documents(place: str) -> InputError:
    """What is raised where `next-sentence` has no other document to take a second part from."""
    return InputError(
        f"{place} has fewer than two documents: no second part can come from another one",
        'Prepare more documents, or choose data.sequences = "sentence-order", "full-sentences" or "documents".',
    )


def _chunks(ends: Offsets, document_ends: Offsets, rooms: Rooms, key: Words, *, put_back: bool) -> _Chunks:
    """Where each sample hangs on the coins of the ones before it, there is one step of plain Python a sample."""
    stop_of_sentence = np.repeat(document_ends[1:], np.diff(document_ends)).tolist()
    ends_list: list[int] = ends.tolist()
    starts, middles, stops, left_out = [], [], [], 0
    targets: list[int] = []
    splits: list[float] = []
    coins: list[bool] = []
    sentence, number, sentences = 0, 0, len(ends_list) - 1
    while sentence < sentences:
        document_stop = stop_of_sentence[sentence]
        if document_stop - sentence < 2:
            left_out += 1
            sentence += 1
            continue
        if number == len(targets):
            numbers_S = np.arange(number, number + _DRAWN_AT_ONCE)
            targets += rooms.targets(key, numbers_S).tolist()
            splits += uniform(key, "split", numbers_S).tolist()
            coins += (uniform(key, "coin", numbers_S) < 0.5).tolist()
        stop = bisect_left(ends_list, ends_list[sentence] + targets[number], sentence + 1, document_stop)
        if stop < sentence + 2:
            stop = sentence + 2
        middle = sentence + 1 + int(splits[number] * (stop - sentence - 1))
        starts.append(sentence)
        middles.append(middle)
        stops.append(stop)
        sentence = middle if put_back and coins[number] else stop
        number += 1
    made = np.array([starts, middles, stops, targets[:number]], np.int64)
    return _Chunks(made[0], made[1], made[2], made[3], np.array(coins[:number], bool), left_out)


def _take_elsewhere(parts_S4: Offsets, ends: Offsets, document_ends: Offsets, chunks: _Chunks, key: Words) -> None:
    """Puts sentences of another document in the place of the second parts of the samples whose coin said so."""
    samples_N = np.flatnonzero(chunks.not_S)
    own_N = np.searchsorted(document_ends, chunks.start_S[samples_N], side="right") - 1
    other_N = integers(len(document_ends) - 2, key, "document", samples_N)
    other_N += other_N >= own_N
    begin_N, end_N = document_ends[other_N], document_ends[other_N + 1]
    first_N = begin_N + integers(end_N - begin_N, key, "sentence", samples_N)
    wanted_N = np.maximum(chunks.target_S[samples_N] - (parts_S4[samples_N, 1] - parts_S4[samples_N, 0]), 1)
    last_N = np.minimum(np.searchsorted(ends, ends[first_N] + wanted_N), end_N)
    parts_S4[samples_N, 2] = ends[first_N]
    parts_S4[samples_N, 3] = ends[last_N]


def _trim(parts_S4: Offsets, room: int, key: Words) -> Offsets:
    """Cuts each sample down to `room` tokens, always from the longer part; gives how many tokens each lost."""
    first_S, second_S = parts_S4[:, 1] - parts_S4[:, 0], parts_S4[:, 3] - parts_S4[:, 2]
    excess_S = np.maximum(first_S + second_S - room, 0)
    kept_S = np.minimum(first_S, np.maximum(room - second_S, (room + 1) // 2))
    off_first_S = np.where(excess_S > 0, first_S - kept_S, 0)
    numbers_S = np.arange(len(parts_S4))
    for column, off_S, name in ((0, off_first_S, "trim first"), (2, excess_S - off_first_S, "trim second")):
        front_S = integers(off_S + 1, key, name, numbers_S)
        parts_S4[:, column] += front_S
        parts_S4[:, column + 1] -= off_S - front_S
    return np.asarray(excess_S)
