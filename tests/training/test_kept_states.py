"""Hidden states that are kept, beside those that are computed."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from bertkit.batching.token_batch import TokenBatch
from bertkit.config.encoder import EncoderConfig
from bertkit.model.build import build_encoder
from bertkit.model.encoder import Encoder
from bertkit.model.init import initialise
from bertkit.sampling.sample_stream import Sample
from bertkit.training import kept_states
from bertkit.training.kept_states import KeptStates, fits

SIZES = EncoderConfig(vocab_size=50, width=12, heads=3, ffn_width=20, layer_of_step=(0, 1), pooler=False)
IDS = [[5, 6, 7], [8, 9], [5, 6, 7, 8, 9]]


@pytest.fixture
def encoder() -> Encoder:
    made = build_encoder(SIZES)
    initialise(made, 0.5, torch.Generator().manual_seed(0))
    return made.train()


def pack(order: list[int]) -> TokenBatch:
    return TokenBatch.pack([IDS[place] for place in order], [[0] * len(IDS[place]) for place in order])


@pytest.mark.parametrize("wants", [False, True])
def test_they_are_what_the_encoder_answers_with(encoder: Encoder, wants: bool) -> None:
    kept = KeptStates()
    for order in ([0, 1, 2], [2, 0], [1], [2, 2, 1]):
        batch = pack(order)
        output_indices_M = batch.layout.first_B if wants else None
        found = kept(encoder, batch, output_indices_M)
        assert encoder.training, "as it was"
        expected = encoder.eval()(batch, output_indices_M)
        encoder.train()
        torch.testing.assert_close(found, expected, atol=1e-5, rtol=1e-5)
        assert not found.requires_grad


def test_each_sequence_is_computed_once(encoder: Encoder) -> None:
    kept, seen = KeptStates(), []
    encoder.register_forward_pre_hook(lambda module, inputs: seen.append(inputs[0].layout.lengths))
    for order in ([0, 1], [1, 0], [2, 0, 2]):
        kept(encoder, pack(order), None)
    assert seen == [(3, 2), (5,)]


def test_segments_make_another_sequence(encoder: Encoder) -> None:
    kept = KeptStates()
    one = kept(encoder, TokenBatch.pack([[5, 6]], [[0, 0]]), None)
    other = kept(encoder, TokenBatch.pack([[5, 6]], [[0, 1]]), None)
    assert not torch.allclose(one, other)


def test_more_than_there_is_memory_for(monkeypatch: pytest.MonkeyPatch) -> None:
    samples = [Sample(([1] * 10,), ([0] * 10,), {"label_B": np.zeros(1)})] * 4
    monkeypatch.setattr(kept_states, "MOST_BYTES", 4 * 10 * 12 * 4)
    assert fits(samples, 12, every_token=True)
    assert not fits(samples, 13, every_token=True)
    assert fits(samples, 120, every_token=False)
