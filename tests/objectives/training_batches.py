"""Small encoders and micro-batches for the tests of objectives."""

from __future__ import annotations

from collections.abc import Sequence

import torch

from bertkit.batching.token_batch import TokenBatch
from bertkit.batching.training_batch import TrainingBatch
from bertkit.config.encoder import EncoderConfig, LearnedPositions
from bertkit.model.build import build_encoder
from bertkit.model.encoder import Encoder
from bertkit.model.init import initialise

MASK = 4
CONFIG = EncoderConfig(
    vocab_size=99,
    width=36,
    heads=3,
    ffn_width=37,
    layer_of_step=(0, 1),
    positions=LearnedPositions(length=23),
    hidden_dropout=0.0,
    attention_dropout=0.0,
)


def make_encoder(config: EncoderConfig = CONFIG, seed: int = 0, deviation: float = 0.2) -> Encoder:
    encoder = build_encoder(config)
    initialise(encoder, deviation, torch.Generator().manual_seed(seed))
    return encoder


def make_batch(lengths: Sequence[int] = (5, 23, 7, 1, 16), share: float = 0.3, seed: int = 0) -> TrainingBatch:
    """Random sequences of which a share of the tokens is masked."""
    random = torch.Generator().manual_seed(seed)
    ids = [torch.randint(5, 99, (length,), generator=random).tolist() for length in lengths]
    tokens = TokenBatch.pack(ids, [[0] * (length // 2) + [1] * (length - length // 2) for length in lengths])
    masked_M = (torch.rand(sum(lengths), generator=random) < share).nonzero()[:, 0]
    true_M = tokens.ids_T[masked_M]
    tokens.ids_T[masked_M] = MASK
    second_B = torch.randint(2, (len(lengths),), generator=random)
    return TrainingBatch(tokens, {"masked_M": masked_M, "masked_ids_M": true_M, "second_B": second_B})
