"""Sequences of two parts, of which half follow one another: BERT's next sentences and ALBERT's sentence order.

Devlin et al. 2018 (arXiv 1810.04805), 3.1 and A.2: a sequence is `[CLS] A [SEP] B [SEP]`, where A and B are "sentences"
that may be several real ones. In half of them B is what follows A in its document; in the other half it is a random
piece of the corpus. Lan et al. 2019 (arXiv 1909.11942), 3.1, found that too easy, for a random B often has another
topic: they always take two parts that follow one another, and in half of the sequences swap them.

How one is made here, for both:

1. Take sentences of one document until a target length is reached. This is a *chunk*. The target is all the room that
   there is, but for `short_share` of the samples any length from 2 on: a model that only ever saw full sequences would
   do worse on short texts.
2. Divide the chunk between two sentences, chosen at random: what is before is A, the rest B.
3. Throw a coin. `next-sentence`: B stays, or sentences of another document take its place, and the sentences that B
   would have been are put back to begin the next chunk, so that no text is lost. `sentence-order`: A and B stay, or
   change places.
4. What is too long by now loses tokens at the ends of its longer part.

The steps are those of google-research/bert's `create_pretraining_data.py`, with four differences:

* There a chunk of one sentence, which cannot be divided, always gets a B from elsewhere, so that more than half of the
  parts do not follow one another. Here such a chunk takes one more sentence before the coin is thrown. Where its
  document has no further sentence, this one is left out for this epoch, and counted.
* There the document that B is taken from may be the same one, and B then what follows. Here it never is.
* There one target length is drawn a document, so that a long document can be short sequences all through. Here one is
  drawn a sample.
* There a coin is thrown for each token too many: off the front, or off the back? Many coins come out nearly even, so
  that of a long part always the middle is left. Here the number taken off the front is drawn once, none to all.

Shapes: `S` samples, `N` of them whose second part is from elsewhere.
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
    """Of each sample the sentences of A, `[start, middle)`, and of B, `[middle, stop)`, before anything is exchanged.

    Attributes:
        target_S: the target length, in tokens of text.
        not_S: whether the coin said that the parts are not to follow one another.
        left_out: sentences that stand alone at the end of their document.
    """

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
    document_ends = np.searchsorted(ends, document_token_ends(shard))  # counted in sentences, 0 first
    if others and len(document_ends) < 3:
        raise too_few_documents(f"shard {shard.name}")
    chunks = _chunks(ends, document_ends, rooms, key, put_back=others)
    parts_S4 = np.stack(
        [ends[chunks.start_S], ends[chunks.middle_S], ends[chunks.middle_S], ends[chunks.stop_S]], axis=1
    )
    if others:
        _take_elsewhere(parts_S4, ends, document_ends, chunks, key)
    else:
        # Before anything is cut: where the room is odd the part that is read first gets the odd token, and would
        # otherwise be the part that was first in the text, so that the lengths alone said whether they were exchanged.
        parts_S4[chunks.not_S] = parts_S4[chunks.not_S][:, [2, 3, 0, 1]]
    trimmed_S = _trim(parts_S4, rooms.room, key)
    return Pairs(parts_S4, chunks.not_S.astype(np.int8), trimmed_S, chunks.left_out)


def too_few_documents(place: str) -> InputError:
    """What is raised where `next-sentence` has no other document to take a second part from."""
    return InputError(
        f"{place} has fewer than two documents: no second part can come from another one",
        'Prepare more documents, or choose data.sequences = "sentence-order", "full-sentences" or "documents".',
    )


def _chunks(ends: Offsets, document_ends: Offsets, rooms: Rooms, key: Words, *, put_back: bool) -> _Chunks:
    """Steps 1 to 3 above for one shard: where chunks begin, are divided and end, and how each coin falls.

    Plain Python, for a sample begins where the one before it ended, which hangs on that one's coin. There is one round
    a sample; the random numbers, which hang on the sample's number only, are drawn many at a time.
    """
    stop_of_sentence = np.repeat(document_ends[1:], np.diff(document_ends)).tolist()
    ends_list: list[int] = ends.tolist()
    starts, middles, stops, left_out = [], [], [], 0
    targets: list[int] = []
    splits: list[float] = []
    coins: list[bool] = []
    sentence, number, sentences = 0, 0, len(ends_list) - 1
    while sentence < sentences:
        document_stop = stop_of_sentence[sentence]
        if document_stop - sentence < 2:  # alone at the end of its document: nothing to divide
            left_out += 1
            sentence += 1
            continue
        if number == len(targets):
            numbers_S = np.arange(number, number + _DRAWN_AT_ONCE)
            targets += rooms.targets(key, numbers_S).tolist()
            splits += uniform(key, "split", numbers_S).tolist()
            coins += (uniform(key, "coin", numbers_S) < 0.5).tolist()
        # To the first end of a sentence at or behind the target, in this document: rather too long than too short, for
        # what is too much can be trimmed.
        stop = bisect_left(ends_list, ends_list[sentence] + targets[number], sentence + 1, document_stop)
        if stop < sentence + 2:
            stop = sentence + 2
        # After any sentence but the last: A and B have at least one each.
        middle = sentence + 1 + int(splits[number] * (stop - sentence - 1))
        starts.append(sentence)
        middles.append(middle)
        stops.append(stop)
        # A second part from elsewhere leaves this chunk's own second part unread: the next chunk begins with it.
        sentence = middle if put_back and coins[number] else stop
        number += 1
    made = np.array([starts, middles, stops, targets[:number]], np.int64)
    return _Chunks(made[0], made[1], made[2], made[3], np.array(coins[:number], bool), left_out)


def _take_elsewhere(parts_S4: Offsets, ends: Offsets, document_ends: Offsets, chunks: _Chunks, key: Words) -> None:
    """Puts sentences of another document in the place of the second parts of the samples whose coin said so."""
    samples_N = np.flatnonzero(chunks.not_S)
    own_N = np.searchsorted(document_ends, chunks.start_S[samples_N], side="right") - 1
    # Any document but the own one, each as likely: drawn from one fewer, and those from the own one on moved up by one.
    other_N = integers(len(document_ends) - 2, key, "document", samples_N)
    other_N += other_N >= own_N
    begin_N, end_N = document_ends[other_N], document_ends[other_N + 1]
    first_N = begin_N + integers(end_N - begin_N, key, "sentence", samples_N)
    # As long as the target leaves room for beside A, again up to the end of a sentence.
    wanted_N = np.maximum(chunks.target_S[samples_N] - (parts_S4[samples_N, 1] - parts_S4[samples_N, 0]), 1)
    last_N = np.minimum(np.searchsorted(ends, ends[first_N] + wanted_N), end_N)
    parts_S4[samples_N, 2] = ends[first_N]
    parts_S4[samples_N, 3] = ends[last_N]


def _trim(parts_S4: Offsets, room: int, key: Words) -> Offsets:
    """Cuts each sample down to `room` tokens, in place; gives how many tokens each lost.

    The lengths are those of taking single tokens from whichever part is longer at the moment: a part of at most half of
    the room stays whole and the other gets the rest; where both are longer, each gets half, the first the odd token.
    """
    first_S, second_S = parts_S4[:, 1] - parts_S4[:, 0], parts_S4[:, 3] - parts_S4[:, 2]
    excess_S = np.maximum(first_S + second_S - room, 0)
    kept_S = np.minimum(first_S, np.maximum(room - second_S, (room + 1) // 2))
    off_first_S = np.where(excess_S > 0, first_S - kept_S, 0)
    numbers_S = np.arange(len(parts_S4))
    for column, off_S, name in ((0, off_first_S, "trim first"), (2, excess_S - off_first_S, "trim second")):
        front_S = integers(off_S + 1, key, name, numbers_S)  # off the front; the others off the back
        parts_S4[:, column] += front_S
        parts_S4[:, column + 1] -= off_S - front_S
    return np.asarray(excess_S)
