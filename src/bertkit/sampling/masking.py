"""Which tokens of a packed batch are to be predicted, and what stands in their place (Devlin et al. 2018, 3.1).

Shapes: `T` packed tokens, `B` sequences, `V` vocabulary, `U` units (tokens or words), `M` masked tokens.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from bertkit.batching.counter_random import Words, integers, uniform
from bertkit.config.training import Masking
from bertkit.errors import InputError
from bertkit.sampling.word_table import WordTable
from bertkit.tokenization.tokenizer import Tokenizer

Places = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]
LONGEST_SPAN, SPAN_ENDS = 10, 0.2  # Joshi et al. 2019: lengths up to 10 words, from a geometric distribution of 0.2

ONE_MASK = Masking(rate=1e-9, mask=1.0, random=0.0)  # the least rate: the one mask that every sequence has at least


@dataclass(frozen=True, slots=True)
class MaskRules:
    """What choosing masks needs to know of a run.

    Attributes:
        mask_id: the mask token.
        ordinary_N: ids that a random token is drawn from: all that are not special.
        start_share: share of words at which a span starts (`span` only).
    """

    masking: Masking
    words: WordTable
    mask_id: int
    ordinary_N: Places
    start_share: float

    @classmethod
    def of(cls, tokenizer: Tokenizer, masking: Masking) -> MaskRules:
        """The rules of a run.

        Raises:
            InputError: the tokenizer has no mask token.
        """
        if tokenizer.specials.mask is None:
            raise InputError(
                "the tokenizer has no mask token", "Use a model and shards whose tokenizer has one, such as [MASK]."
            )
        words = WordTable.of(tokenizer)
        start_share = span_start_share(masking.rate) if masking.unit == "span" else 0.0
        return cls(masking, words, tokenizer.specials.mask, np.flatnonzero(~words.special_V), start_share)


@dataclass(frozen=True, slots=True)
class Masks:
    """What was chosen.

    Attributes:
        masked_M: indices into the T tokens, ascending.
        inputs_T: the ids with the chosen ones replaced.
    """

    masked_M: Places
    inputs_T: Places


def choose_masks(ids_T: Places, starts_B: Places, keys_B: Words, rules: MaskRules) -> Masks:
    """Chooses units, each on its own with the rate's probability, and replaces their tokens.

    A unit is a token; or a word; or a word that a span covers (`span`, Joshi et al. 2019), of which the spans start
    anywhere, with clipped geometric lengths in words, before the sequence's beginning too, so that each of its words
    is covered with the rate's probability. Where no unit of a sequence is chosen, the one with the least draw is: of n
    units that are drawn on their own (tokens, words) the share that is chosen is then, on average,
    `rate + (1 - rate)^n / n`; with n = 100 and a rate of 0.15 that is 9e-10 more than the rate. Special tokens are
    never chosen, those that stand in the text included; a sequence of nothing else has no masks.

    Of the chosen tokens `mask` become the mask token and `random` any ordinary token, itself too; drawn for each token,
    or for all tokens of a stretch of covered words at once (`span`, as in Joshi et al. 2019).

    Args:
        starts_B: where each sequence begins; none is empty.
        keys_B: of each sequence, the bits that its masks are a function of (see `counter_random.mixed`).
    """
    text_C = np.flatnonzero(~rules.words.special_V[ids_T])
    if not len(text_C):
        return Masks(text_C, ids_T)
    sequence_T = np.repeat(np.arange(len(starts_B)), np.diff(starts_B, append=len(ids_T)))
    if rules.masking.unit == "token":
        firsts_U = text_C  # the first token of each unit
        unit_C = np.arange(len(text_C))
    else:
        begins_C = rules.words.begins(ids_T, starts_B)[text_C]
        firsts_U = text_C[begins_C]
        unit_C = np.cumsum(begins_C) - 1
    sequence_U = sequence_T[firsts_U]
    drawn_U = uniform(keys_B[sequence_U], "unit", firsts_U - starts_B[sequence_U])
    if rules.masking.unit == "span":
        chosen_U = _covered(sequence_U, keys_B, rules.start_share)
    else:
        chosen_U = drawn_U < rules.masking.rate
    _choose_one_at_least(chosen_U, drawn_U, sequence_U)
    unit_M = unit_C[chosen_U[unit_C]]
    masked_M = text_C[chosen_U[unit_C]]
    sources_M = masked_M  # the tokens whose draws decide what stands in the place of each
    if rules.masking.unit == "span":
        sources_M = firsts_U[_runs(chosen_U, sequence_U)[unit_M]]
    return Masks(masked_M, _replaced(ids_T, masked_M, sources_M, sequence_T, starts_B, keys_B, rules))


def _choose_one_at_least(chosen_U: Flags, drawn_U: npt.NDArray[np.float64], sequence_U: Places) -> None:
    """Chooses, in each sequence that has units but none chosen, the unit with the least draw."""
    begin_Q = np.flatnonzero(np.diff(sequence_U, prepend=-1))  # Q: sequences that have units
    lacking_Q = ~np.logical_or.reduceat(chosen_U, begin_Q)
    if lacking_Q.any():
        least_Q = np.where(lacking_Q, np.minimum.reduceat(drawn_U, begin_Q), -1.0)
        chosen_U |= drawn_U == np.repeat(least_Q, np.diff(begin_Q, append=len(drawn_U)))


def _runs(chosen_U: Flags, sequence_U: Places) -> Places:
    """For each chosen word the first of the chosen ones that it stands together with, in its sequence."""
    goes_on_U = np.append(False, chosen_U[:-1]) & (np.diff(sequence_U, prepend=-1) == 0)
    return np.maximum.accumulate(np.where(goes_on_U, 0, np.arange(len(chosen_U))))


def _replaced(
    ids_T: Places,
    masked_M: Places,
    sources_M: Places,
    sequence_T: Places,
    starts_B: Places,
    keys_B: Words,
    rules: MaskRules,
) -> Places:
    sequence_M = sequence_T[masked_M]
    keys_M, starts_M = keys_B[sequence_M], starts_B[sequence_M]
    fate_M = uniform(keys_M, "fate", sources_M - starts_M)
    random_M = rules.ordinary_N[integers(len(rules.ordinary_N), keys_M, "token", masked_M - starts_M)]
    masking, inputs_T = rules.masking, ids_T.copy()
    kept_or_random_M = np.where(fate_M < masking.mask + masking.random, random_M, ids_T[masked_M])
    inputs_T[masked_M] = np.where(fate_M < masking.mask, rules.mask_id, kept_or_random_M)
    return inputs_T


def span_lengths() -> npt.NDArray[np.float64]:
    """The probability of each length from 1 to `LONGEST_SPAN` words: geometric, cut off there, summing to one."""
    shares = SPAN_ENDS * (1 - SPAN_ENDS) ** np.arange(LONGEST_SPAN)
    return np.asarray(shares / shares.sum())


def span_start_share(rate: float) -> float:
    """The share of words at which a span must start so that any word is covered with probability `rate`.

    A word is not covered when no span of more than d words starts d words before it, for each d: the product of
    `1 - share * P(length > d)`. It falls as the share grows, so the share is found by halving.
    """
    longer = 1 - np.concatenate([[0.0], np.cumsum(span_lengths())[:-1]])
    low, high = 0.0, 1.0
    for _ in range(60):
        share = (low + high) / 2
        low, high = (share, high) if 1 - np.prod(1 - share * longer) < rate else (low, share)
    return high


def _covered(sequence_U: Places, keys_B: Words, start_share: float) -> Flags:
    """Which words are covered by a span. Words are numbered in their sequence, from those before its beginning on."""
    before = LONGEST_SPAN - 1
    begin_Q = np.flatnonzero(np.diff(sequence_U, prepend=-1))
    counts_Q = np.diff(begin_Q, append=len(sequence_U)) + before
    keys_E = np.repeat(keys_B[sequence_U[begin_Q]], counts_Q)  # E: the words, and those before each sequence
    numbers_E = np.arange(len(keys_E)) - np.repeat(np.cumsum(counts_Q) - counts_Q, counts_Q)
    drawn_E = uniform(keys_E, "span", numbers_E)
    # A draw below the share, divided by it, is a draw of its own: of the span's length.
    lengths_E = 1 + np.searchsorted(np.cumsum(span_lengths())[:-1], drawn_E / start_share, side="right")
    places_E = np.arange(len(keys_E))
    # The longest span before a sequence's own words ends where they begin, so none reaches into the next sequence.
    reach_E = np.maximum.accumulate(places_E + np.where(drawn_E < start_share, lengths_E, 0))
    return np.asarray((reach_E > places_E)[numbers_E >= before])
