from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from bertkit.batching.token_batch import TokenBatch
from bertkit.config.encoder import EncoderConfig, LearnedPositions
from bertkit.inference.precision import make_ready
from bertkit.model.build import build_encoder
from bertkit.model.encoder import Encoder
from bertkit.model.init import initialise

CONFIG = EncoderConfig(
    vocab_size=99, width=33, heads=3, ffn_width=37, layer_of_step=(0, 1, 0), positions=LearnedPositions(length=23)
)


def make(config: EncoderConfig = CONFIG, packed_weights: bool = False) -> Encoder:
    encoder = build_encoder(config)
    initialise(encoder, 0.2, torch.Generator().manual_seed(0))
    if packed_weights:
        make_ready(encoder, torch.device("cpu"), torch.float32)
    return encoder.eval()


def pack(sequences: list[list[int]]) -> TokenBatch:
    return TokenBatch.pack(sequences, [[i % 2 for i in range(len(sequence))] for sequence in sequences])


ENCODERS = {"plain": make(), "packed weights": make(packed_weights=True)}


@pytest.mark.parametrize("kind", ENCODERS)
@given(st.lists(st.lists(st.integers(0, 98), min_size=1, max_size=23), min_size=1, max_size=9))
@settings(max_examples=60, deadline=None)
@torch.inference_mode()
def test_a_row_in_a_batch_equals_the_row_alone(kind: str, sequences: list[list[int]]) -> None:
    encoder = ENCODERS[kind]
    batch = pack(sequences)
    together = encoder(batch).split(batch.layout.lengths)
    for row, sequence in zip(together, sequences, strict=True):
        assert (row - encoder(pack([sequence]))).abs().max() < 1e-5


@torch.inference_mode()
def test_shared_layers_are_the_same_layer() -> None:
    shared = make()
    unshared = build_encoder(CONFIG.model_copy(update={"layer_of_step": (0, 1, 2)})).eval()
    state = shared.state_dict()
    state |= {name.replace("layers.0", "layers.2"): value for name, value in state.items() if "layers.0" in name}
    unshared.load_state_dict(state)
    batch = pack([[5, 6, 7], [8]])
    assert torch.equal(shared(batch), unshared(batch))


def test_dropout_acts_in_training_only() -> None:
    encoder, batch = make(), pack([[5, 6, 7], [8]])
    assert torch.equal(encoder(batch), encoder(batch))
    encoder.train()
    assert not torch.equal(encoder(batch), encoder(batch))


def test_every_dropout_of_the_configuration_is_read() -> None:
    batch = pack([[5, 6, 7], [8]])
    for rate in ("hidden_dropout", "attention_dropout"):
        none = {"hidden_dropout": 0.0, "attention_dropout": 0.0}
        encoder = make(CONFIG.model_copy(update=none)).train()
        assert torch.equal(encoder(batch), encoder(batch))
        encoder = make(CONFIG.model_copy(update=none | {rate: 0.5})).train()
        assert not torch.equal(encoder(batch), encoder(batch))


@pytest.mark.parametrize("wanted", [[0, 3], [4, 0, 5, 1], [], [2]], ids=str)
@pytest.mark.parametrize("norm_at", ["post", "pre"])
def test_only_the_wanted_tokens(norm_at: str, wanted: list[int]) -> None:
    """What is not wanted is NaN, and has no part in the gradient; the rest is what it always was."""
    encoder, batch = (
        make(CONFIG.model_copy(update={"norm_at": norm_at, "final_norm": True})),
        pack([[5, 6, 7], [8, 9, 1]]),
    )
    weights_MW = torch.randn(len(wanted), CONFIG.width)
    output_indices_M = torch.tensor(wanted, dtype=torch.int32)
    every, some = encoder(batch), encoder.hidden(batch, output_indices_M)
    assert some.shape == every.shape
    assert encoder(batch, output_indices_M).shape == (len(wanted), CONFIG.width)
    unwanted = sorted(set(range(6)) - set(wanted))
    assert torch.isnan(some[unwanted]).all()
    if not wanted:
        return
    assert (some[wanted] - every[wanted]).abs().max() < 1e-5

    def gradients(hidden_TW: torch.Tensor) -> list[torch.Tensor]:
        used = [p for p in encoder.parameters() if p.ndim == 2][:-1]
        found = torch.autograd.grad((hidden_TW[wanted] * weights_MW).sum(), used, allow_unused=True)
        return [gradient for gradient in found if gradient is not None]

    for ours, theirs in zip(gradients(some), gradients(every), strict=True):
        assert (ours - theirs).abs().max() < 1e-4
