"""The tokens of a batch, and where its sequences are among them.

Shapes: `T` tokens of the batch, `B` sequences, `L` tokens of a row that is filled up with padding.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from bertkit.batching.layout import Layout, PackedLayout, PaddedLayout
from bertkit.batching.packed import PackedBatch


@dataclass(frozen=True, slots=True)
class TokenBatch:
    """Tokens in one row. Padding is not a concept of the model.

    Attributes:
        ids_T: token ids.
        segments_T: segment (token type) ids.
        positions_T: position of each token in its own sequence, from 0.
        layout: where the sequences are.
    """

    ids_T: Tensor
    segments_T: Tensor
    positions_T: Tensor
    layout: Layout

    def __repr__(self) -> str:
        """How much there is of what, not which."""
        return f"TokenBatch({self.layout.shown()}, on {self.ids_T.device})"

    @classmethod
    def pack(
        cls, ids: Sequence[Sequence[int]], segments: Sequence[Sequence[int]], device: torch.device | str = "cpu"
    ) -> TokenBatch:
        """One batch of these sequences, in this order, end to end.

        Raises:
            ValueError: a sequence is empty, or its ids and segments differ in number.
        """
        packed = PackedBatch.of(ids, segments)
        tokens_3T = torch.from_numpy(np.stack([packed.ids_T, packed.segments_T, packed.positions_T]))
        ids_T, segments_T, positions_T = tokens_3T.to(device, non_blocking=True)
        return cls(ids_T, segments_T, positions_T, PackedLayout.of(packed.lengths, device))

    @classmethod
    def pad(
        cls,
        ids: Sequence[Sequence[int]],
        segments: Sequence[Sequence[int]],
        device: torch.device | str = "cpu",
        *,
        length: int | None = None,
    ) -> TokenBatch:
        """One batch of these sequences, in this order, each in a row of its own that is filled up with token 0.

        Args:
            length: L; the longest sequence's when left out.

        Raises:
            ValueError: a sequence is empty or longer than a row, or its ids and segments differ in number.
        """
        lengths = _lengths(ids, segments)
        longest = length or max(lengths)
        if max(lengths) > longest:
            raise ValueError(f"a sequence of {max(lengths)} tokens in a row of {longest}")
        real = [[1] * one for one in lengths]
        rows = [[[*row, *[0] * (longest - len(row))] for row in table] for table in (ids, segments, real)]
        ids_BL, segments_BL, mask_BL = torch.tensor(rows).to(device, non_blocking=True)
        return cls.of_rows(ids_BL, segments_BL, mask_BL)

    @classmethod
    def of_rows(cls, ids_BL: Tensor, segments_BL: Tensor, mask_BL: Tensor) -> TokenBatch:
        """A padded batch of tensors as other programs have them, (B, L) each; what is exported begins with this.

        Args:
            mask_BL: not zero where there is a token. Padding stands behind the tokens of its row.
        """
        place_L = torch.arange(ids_BL.shape[1], device=ids_BL.device)
        positions_T = place_L.expand(ids_BL.shape).flatten()
        return cls(ids_BL.flatten(), segments_BL.flatten(), positions_T, PaddedLayout.of(mask_BL))

    def moved(self, move: Callable[[Tensor], Tensor]) -> TokenBatch:
        """The same, each tensor moved to another device."""
        return TokenBatch(move(self.ids_T), move(self.segments_T), move(self.positions_T), self.layout.moved(move))


def _lengths(ids: Sequence[Sequence[int]], segments: Sequence[Sequence[int]]) -> list[int]:
    lengths = [len(sequence) for sequence in ids]
    if not lengths or min(lengths) == 0 or lengths != [len(sequence) for sequence in segments]:
        raise ValueError("every sequence needs at least one token, and a segment for each token")
    return lengths
