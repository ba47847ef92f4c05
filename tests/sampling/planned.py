"""Samples planned over small shards."""

from __future__ import annotations

import numpy as np
from hypothesis import strategies as st

from bertkit.config.training import Sequences
from bertkit.corpora.boundaries import document_token_ends
from bertkit.corpora.shards import Shard
from bertkit.sampling.samples import Samples, plan
from bertkit.tokenization.template import Frame, SpecialTokens, Template

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
