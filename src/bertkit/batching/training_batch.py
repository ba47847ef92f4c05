"""What a training step reads: packed tokens and, by name, what the objectives are to predict."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from torch import Tensor

from bertkit.batching.token_batch import TokenBatch


@dataclass(frozen=True, slots=True)
class TrainingBatch:
    """One micro-batch.

    Attributes:
        tokens: the packed inputs, as the encoder reads them (masked, where there are masks).
        targets: by name. Pre-training makes
            `masked_M`: indices into the T tokens of those to predict, ascending; `masked_ids_M`: what stood there;
            `second_B`: for each sequence 0 where its second part follows its first, 1 where not (another document's,
            or the two in the wrong order).
    """

    tokens: TokenBatch
    targets: Mapping[str, Tensor]
