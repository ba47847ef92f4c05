"""Masks put on a batch of sequences. Shapes: `T` packed tokens, `B` sequences, `M` masked tokens."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from bertkit.batching.counter_random import Words
from bertkit.batching.packed import GlobalBatch, Packed
from bertkit.sampling.masking import MaskRules, choose_masks


class MaskedBatch:
    """The sequences of another batch, masked; a `GlobalBatch` whose targets are `masked_M` and `masked_ids_M`.

    Args:
        batch: its samples are one sequence each.
        keys_B: of each sequence, the bits that its masks are a function of.
    """

    lengths: tuple[int, ...]

    def __init__(self, batch: GlobalBatch, keys_B: Words, rules: MaskRules) -> None:
        self._batch = batch
        self._keys_B = keys_B
        self._rules = rules
        self.lengths = batch.lengths

    def pack(self, indices: Sequence[int]) -> Packed:
        """These sequences, packed and masked. A sequence is the same whichever others are packed with it."""
        plain = self._batch.pack(indices)
        lengths_B = np.array(plain.lengths, np.int64)
        starts_B = np.cumsum(lengths_B) - lengths_B
        masks = choose_masks(plain.ids_T, starts_B, self._keys_B[np.asarray(indices, np.int64)], self._rules)
        targets = {"masked_M": masks.masked_M, "masked_ids_M": plain.ids_T[masks.masked_M]}
        return replace(plain, ids_T=masks.inputs_T, targets=targets)
