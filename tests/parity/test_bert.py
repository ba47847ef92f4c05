"""The encoder and the pre-training heads compute what transformers computes, on sizes that cannot be confused."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn
from transformers import BertForPreTraining

from bertkit.inference.precision import make_ready
from bertkit.model.device import has_fast_bfloat16
from bertkit.model.encoder import Encoder
from bertkit.pretrained.loading import open_pretrained
from bertkit.tasks.fill_mask import FillMask
from bertkit.tasks.next_sentence_prediction import NextSentencePrediction
from tests.parity.bert_peer import Sequences, Sizes, make_peer

SIZES = [
    Sizes(layers=1),
    Sizes(layers=2, activation="gelu_new"),
    Sizes(layers=3, heads=1, width=7, ffn_width=41),
    Sizes(layers=2, heads=5, width=65, ffn_width=3, activation="relu", segment_types=2),
]
BATCHES = {
    "every length": list(range(1, 24)),
    "batch 13, length 7": [7] * 13,
    "one token": [1],
    "longest": [23],
    "mixed, unsorted": [5, 23, 5, 1, 16, 2, 2],
}


class Numbers:
    """All four outputs of a model for the same sequences."""

    def __init__(self, hidden_TW: Tensor, pooled_BW: Tensor, masked_TV: Tensor, next_B2: Tensor) -> None:
        self.each = {"hidden": hidden_TW, "pooled": pooled_BW, "masked-lm": masked_TV, "next-sentence": next_B2}

    def error(self, truth: Numbers) -> dict[str, Tensor]:
        return {name: (values.double() - truth.each[name].double()).abs() for name, values in self.each.items()}


@torch.inference_mode()
def theirs(peer: BertForPreTraining, sequences: Sequences) -> Numbers:
    out = peer(**sequences.padded(), output_hidden_states=True)
    pooled = peer.bert.pooler(out.hidden_states[-1])
    unpad = sequences.unpad
    return Numbers(unpad(out.hidden_states[-1]), pooled, unpad(out.prediction_logits), out.seq_relationship_logits)


def build(folder: Path) -> tuple[Encoder, nn.Module, nn.Module]:
    pretrained = open_pretrained(folder)
    tokenizer = pretrained.load_tokenizer()
    tasks = (FillMask(tokenizer), NextSentencePrediction(tokenizer))
    masked_lm, next_sentence = (pretrained.build_head(task) for task in tasks)
    assert masked_lm is not None
    assert next_sentence is not None
    return pretrained.build_encoder(), masked_lm, next_sentence


@torch.inference_mode()
def ours(parts: tuple[Encoder, nn.Module, nn.Module], sequences: Sequences) -> Numbers:
    encoder, masked_lm, next_sentence = parts
    batch = sequences.packed()
    hidden_TW = encoder(batch)
    assert encoder.pooler is not None
    pooled_BW = encoder.pooler(hidden_TW, batch.layout)
    return Numbers(hidden_TW, pooled_BW, masked_lm(hidden_TW, encoder), next_sentence(hidden_TW, batch.layout, encoder))


def assert_close(actual: Numbers, expected: Numbers) -> None:
    for name, error in actual.error(expected).items():
        allowed = 1e-5 + 1e-5 * expected.each[name].double().abs()
        assert (error <= allowed).all(), f"{name}: {error.max():.2e}"  # NaN is not <= anything


@pytest.mark.parametrize("sizes", SIZES, ids=str)
@pytest.mark.parametrize("lengths", BATCHES.values(), ids=BATCHES)
@pytest.mark.parametrize("packed_weights", [False, True], ids=["plain", "packed weights"])
def test_float32_equals_transformers(tmp_path: Path, sizes: Sizes, lengths: list[int], packed_weights: bool) -> None:
    peer = make_peer(sizes, tmp_path)
    sequences = Sequences.random(lengths, sizes)
    parts = build(tmp_path)
    if packed_weights:
        for part in parts:
            make_ready(part, torch.device("cpu"), torch.float32)
    assert_close(ours(parts, sequences), theirs(peer, sequences))


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("sizes", [replace(SIZES[1], width=96, ffn_width=384, heads=4), Sizes(layers=3)], ids=str)
def test_bfloat16_errs_no_more_than_transformers(tmp_path: Path, sizes: Sizes, seed: int) -> None:
    if not has_fast_bfloat16():
        pytest.skip("this CPU has no bfloat16 matrix instructions: `--dtype auto` stays with float32 here")
    peer = make_peer(sizes, tmp_path, deviation=0.1, seed=seed)
    sequences = Sequences.random(list(range(1, 24)), sizes, seed=seed)
    truth = theirs(make_peer(sizes, tmp_path / "double", deviation=0.1, seed=seed).double(), sequences)
    parts = build(tmp_path)
    for part in parts:
        make_ready(part, torch.device("cpu"), torch.bfloat16)
    our_error = ours(parts, sequences).error(truth)
    their_error = theirs(peer.bfloat16(), sequences).error(truth)
    for name in our_error:
        assert our_error[name].mean() <= 1.5 * their_error[name].mean(), name


def test_gradients_equal_transformers(tmp_path: Path) -> None:
    sizes = Sizes(layers=2)
    peer = make_peer(sizes, tmp_path)
    sequences = Sequences.random([5, 23, 5, 1], sizes)
    encoder = open_pretrained(tmp_path).build_encoder()
    weights_TW = torch.randn(34, sizes.width)
    (encoder(sequences.packed()) * weights_TW).sum().backward()
    (sequences.unpad(peer.bert(**sequences.padded()).last_hidden_state) * weights_TW).sum().backward()
    layer, their_layer = encoder.layers[0], peer.bert.encoder.layer[0]
    self_attention = their_layer.attention.self
    pairs = [
        (encoder.embeddings.token.weight, peer.bert.embeddings.word_embeddings.weight.grad),
        (encoder.embeddings.position.weight, peer.bert.embeddings.position_embeddings.weight.grad),
        (layer.mlp.up.weight, their_layer.intermediate.dense.weight.grad),
        (
            layer.attention.qkv.weight,
            torch.cat([getattr(self_attention, part).weight.grad for part in ("query", "key", "value")]),
        ),
    ]
    for parameter, expected in pairs:
        assert parameter.grad is not None
        assert (parameter.grad - expected).abs().max() <= 1e-4 * expected.abs().max()
