"""Which stretches of a shard make one sequence each, planned for a whole shard and epoch at once.

Shapes: `S` samples.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from bertkit.batching.counter_random import Words, mixed
from bertkit.config.training import Sequences
from bertkit.corpora.shards import Shard
from bertkit.errors import InputError
from bertkit.sampling.packed_sentences import plan_one_part
from bertkit.sampling.sentence_pairs import Rooms, plan_two_parts
from bertkit.tokenization.template import Template

TWO_PARTS: tuple[Sequences, ...] = ("next-sentence", "sentence-order")
FOLLOWS, NOT, NO_SECOND = 0, 1, -1


@dataclass(frozen=True, slots=True)
class Samples:
    """The samples of one shard in one epoch, in the order of the shard (the first part's, where there are two).

    Attributes:
        parts_S4: first.start, first.stop, second.start, second.stop, in tokens of the shard; the second is (0, 0)
            where there is one part.
        second_S: 0 the second part follows the first, 1 it does not, -1 there is none.
        lengths_S: tokens of each sequence, with special tokens.
        trimmed_S: tokens of each sample's sentences that did not fit and were cut off (two parts only).
        left_out_sentences: sentences that stand alone at the end of their document, where two parts need two.
    """

    parts_S4: npt.NDArray[np.int64]
    second_S: npt.NDArray[np.int8]
    lengths_S: npt.NDArray[np.int64]
    trimmed_S: npt.NDArray[np.int64]
    left_out_sentences: int

    def __len__(self) -> int:
        return len(self.lengths_S)


def plan(
    shard: Shard,
    arrangement: Sequences,
    *,
    length: int,
    frame: Template,
    seed: int,
    epoch: int,
    shard_number: int,
    short_share: float,
) -> Samples:
    """The samples that an arrangement makes of a shard; a pure function of the arguments.

    * `next-sentence` (Devlin et al. 2018) and `sentence-order` (Lan et al. 2019): see `sentence_pairs.py`.
    * `full-sentences` and `documents` (Liu et al. 2019): see `packed_sentences.py`.

    Args:
        length: most tokens of a sequence, special tokens included.
        frame: the special tokens around one part, and around two.
        shard_number: which shard it is of all that are read; only random numbers hang on it.
        short_share: share of samples whose length is drawn from all lengths (two parts only).

    Raises:
        InputError: `length` has no room for text, or `next-sentence` has no second document to draw from.
    """
    two = arrangement in TWO_PARTS
    special = (frame.pair if two else frame.single).special_tokens
    room = length - special
    if room < 2:
        raise InputError(
            f"sequences of {length} tokens have room for {max(room, 0)} of text beside {special} special tokens",
            "Choose a larger data.length.",
        )
    key: Words = mixed(seed, "samples", arrangement, epoch, shard_number)
    if two:
        pairs = plan_two_parts(shard, Rooms(room, short_share), key, others=arrangement == "next-sentence")
        lengths_S = (pairs.parts_S4[:, 1::2] - pairs.parts_S4[:, ::2]).sum(1) + special
        return Samples(pairs.parts_S4, pairs.second_S, lengths_S, pairs.trimmed_S, pairs.left_out_sentences)
    parts_S2, separators_S = plan_one_part(shard, room, key, over_documents=arrangement == "full-sentences")
    lengths_S = parts_S2[:, 1] - parts_S2[:, 0] + separators_S + special
    parts_S4 = np.concatenate([parts_S2, np.zeros_like(parts_S2)], axis=1)
    none_S = np.full(len(parts_S4), NO_SECOND, np.int8)
    return Samples(parts_S4, none_S, lengths_S, np.zeros(len(parts_S4), np.int64), 0)


def no_samples(shard: Shard) -> Samples:
    """What a shard gives that is left out as a whole: nothing, its sentences counted."""
    none_S = np.zeros(0, np.int64)
    return Samples(np.zeros((0, 4), np.int64), np.zeros(0, np.int8), none_S, none_S, len(shard.sentence_ends) - 1)
