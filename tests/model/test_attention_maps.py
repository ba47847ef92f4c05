from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
import transformers

from bertkit.model.attention_maps import attention_inputs, attention_maps, rollout
from bertkit.model.encoder import Encoder
from bertkit.pretrained.loading import open_pretrained
from tests.parity.bert_peer import Sequences, Sizes
from tests.parity.bert_peer import make_peer as make_bert
from tests.parity.test_families import CASES, Case, make_peer, sequences_of

NAMES = [
    *("bert", "distilbert", "albert", "albert, 2 groups", "mpnet", "modernbert", "modernbert, long", "nomic"),
    *("eurobert", "eurobert, grouped heads"),
]


def encoder_of(folder: Path) -> Encoder:
    return open_pretrained(folder).build_encoder().float()


def small(tmp_path: Path, sizes: Sizes = Sizes()) -> Encoder:  # noqa: B008  # frozen
    make_bert(sizes, tmp_path)
    return encoder_of(tmp_path)


@pytest.mark.parametrize("name", NAMES)
def test_maps_equal_those_of_transformers(name: str, tmp_path: Path) -> None:
    case = CASES[name]
    make_peer(case, "Model", tmp_path)
    peer = getattr(transformers, case.prefix + "Model").from_pretrained(tmp_path, attn_implementation="eager").eval()
    sequences = sequences_of(case)
    encoder = encoder_of(tmp_path)
    expected = their_maps(peer, case, sequences)
    for number, length in enumerate(case.lengths):
        ours = attention_maps(encoder, sequences.packed(), number)
        assert list(ours) == list(range(len(expected)))
        for step, theirs_BNLL in enumerate(expected):
            theirs_NLL = theirs_BNLL[number, :, :length, :length]
            torch.testing.assert_close(ours[step], theirs_NLL, atol=1e-5, rtol=0)


def their_maps(peer: transformers.PreTrainedModel, case: Case, sequences: Sequences) -> tuple[torch.Tensor, ...]:
    inputs = sequences.padded()
    pad = case.config.get("pad_token_id", 0)
    inputs["input_ids"] = torch.where(inputs["attention_mask"].bool(), inputs["input_ids"], pad)
    if not case.segments:
        del inputs["token_type_ids"]
    with torch.no_grad():
        return peer(**inputs, output_attentions=True).attentions  # type: ignore[no-any-return]


def test_a_sequence_in_a_batch_has_the_maps_that_it_has_alone(tmp_path: Path) -> None:
    encoder = small(tmp_path)
    sequences = Sequences.random([7, 23, 1, 16], Sizes())
    alone = Sequences(sequences.ids[1:2], sequences.segments[1:2])
    together = attention_maps(encoder, sequences.packed(), 1, [1])[1]
    torch.testing.assert_close(together, attention_maps(encoder, alone.packed(), 0)[1], atol=1e-6, rtol=0)


def test_only_what_is_asked_for_is_kept(tmp_path: Path) -> None:
    encoder = small(tmp_path, replace(Sizes(), layers=3))
    batch = Sequences.random([7, 23], Sizes()).packed()
    assert list(attention_maps(encoder, batch, 0, [2])) == [2]
    kept = attention_inputs(encoder, batch, [0, 2], slice(7, 30))
    assert {step: x_TW.shape for step, x_TW in kept.items()} == {0: (23, 33), 2: (23, 33)}
    assert kept[0].untyped_storage().nbytes() == 23 * 33 * 4


def test_the_encoder_is_left_as_it_was(tmp_path: Path) -> None:
    encoder = small(tmp_path)
    batch = Sequences.random([7], Sizes()).packed()
    attention_maps(encoder, batch, 0)
    with pytest.raises(IndexError):
        attention_maps(encoder, batch, 5)
    assert all(not part._forward_pre_hooks for part in encoder.modules())


@pytest.mark.parametrize("name", ["bert", "albert", "modernbert, long", "mpnet"])
def test_rollout_is_the_product_of_the_mixed_maps(name: str, tmp_path: Path) -> None:
    make_peer(CASES[name], "Model", tmp_path)
    encoder = encoder_of(tmp_path)
    sequences = sequences_of(CASES[name])
    batch = sequences.packed()
    shares = rollout(encoder, batch, [torch.eye(len(ids)) for ids in sequences.ids])
    for number, share_LL in enumerate(shares):
        expected = np.eye(len(sequences.ids[number]))
        for map_NLL in attention_maps(encoder, batch, number).values():
            attention = map_NLL.double().numpy().mean(axis=0)
            mixed = 0.5 * attention + 0.5 * np.eye(len(attention))
            expected = mixed / mixed.sum(axis=-1, keepdims=True) @ expected
        np.testing.assert_allclose(share_LL.numpy(), expected, atol=1e-5)


def test_a_rollout_from_a_few_tokens_is_those_rows(tmp_path: Path) -> None:
    encoder = small(tmp_path)
    batch = Sequences.random([7, 23], Sizes()).packed()
    whole = rollout(encoder, batch, [torch.eye(7), torch.eye(23)])
    first, mean = rollout(encoder, batch, [torch.eye(7)[:1], torch.full((1, 23), 1 / 23)])
    torch.testing.assert_close(first, whole[0][:1], atol=1e-6, rtol=0)
    torch.testing.assert_close(mean[0], whole[1].mean(dim=0), atol=1e-6, rtol=0)
