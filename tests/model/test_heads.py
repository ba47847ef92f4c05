from __future__ import annotations

from typing import get_args

import pytest
import torch
from torch import nn
from torch.nn import functional

from bertkit.batching.layout import PackedLayout
from bertkit.families.bert import FAMILY as BERT
from bertkit.families.contract import Family, Reads
from bertkit.families.roberta import FAMILY as ROBERTA
from bertkit.model.chunked_loss import HardTargets
from bertkit.model.encoder import Encoder
from bertkit.model.heads import Head, MaskedLMHead, build_masked_lm_head, exact_weights, new_head
from bertkit.model.init import initialise
from tests.objectives.training_batches import CONFIG, make_encoder

LENGTHS = [3, 1, 4]
LAYOUT = PackedLayout.of(LENGTHS)


@pytest.fixture(scope="module")
def encoder() -> Encoder:
    return make_encoder()


@pytest.mark.parametrize("reads", get_args(Reads))
@torch.no_grad()
def test_which_rows_a_head_reads(reads: Reads, encoder: Encoder) -> None:
    hidden_TW, classifier = torch.randn(8, 36), nn.Linear(36, 5)
    nothing = nn.Identity()
    head = Head(reads, dense=nothing, activation=None, norm=nothing, dropout=nothing, classifier=classifier)
    texts = hidden_TW.split(LENGTHS)
    assert encoder.pooler is not None
    expected = {
        "tokens": classifier(hidden_TW),
        "first": classifier(torch.stack([text[0] for text in texts])),
        "mean": classifier(torch.stack([text.mean(0) for text in texts])),
        "late": torch.stack([classifier(text).mean(0) for text in texts]),
        "pooler": classifier(torch.tanh(encoder.pooler.dense(torch.stack([text[0] for text in texts])))),
    }[reads]
    torch.testing.assert_close(head(hidden_TW, LAYOUT, encoder), expected)
    wanted_M = head.output_indices(LAYOUT)
    if wanted_M is not None:  # then nothing else is read
        hidden_TW[[place for place in range(8) if place not in wanted_M.tolist()]] = torch.nan
        torch.testing.assert_close(head(hidden_TW, LAYOUT, encoder), expected)


@torch.no_grad()
def test_a_head_is_its_parts_in_order(encoder: Encoder) -> None:
    hidden_TW, dense, norm, classifier = torch.randn(8, 36), nn.Linear(36, 6), nn.LayerNorm(6), nn.Linear(6, 3)
    head = Head("first", dense, "relu", norm, nn.Hardtanh(-0.5, 0.5), classifier)
    x_BW = norm(functional.relu(dense(hidden_TW[[0, 3, 4]])))
    torch.testing.assert_close(head.features(hidden_TW, LAYOUT, encoder), x_BW)
    torch.testing.assert_close(head(hidden_TW, LAYOUT, encoder), classifier(x_BW.clamp(-0.5, 0.5)))
    assert head.classes == 3


def test_names_of_heads() -> None:
    one = new_head("masked-lm", BERT.heads["masked-lm"], CONFIG, classes=0)
    other = new_head("text-classification", BERT.heads["text-classification"], CONFIG, classes=4, reads="mean")
    assert isinstance(one, MaskedLMHead)
    assert isinstance(other, Head)
    assert (other.classes, other.reads) == (4, "mean")
    assert {id(weight) for weight in exact_weights(nn.ModuleList([one, other]))} == {
        id(one.bias),
        id(other.classifier.weight),
        id(other.classifier.bias),
    }


@pytest.mark.parametrize("family", [BERT, ROBERTA], ids=lambda family: family.name)
@torch.no_grad()
def test_masks_are_scored_by_the_token_table_in_float32(family: Family, encoder: Encoder) -> None:
    head = build_masked_lm_head(family.heads["masked-lm"], CONFIG)
    initialise(head, 0.2, torch.Generator().manual_seed(0))
    assert head.bias is not None
    head.bias.normal_()
    hidden_MW = torch.randn(6, 36)
    assert isinstance(head.norm, nn.LayerNorm)
    transformed = head.norm(functional.gelu(head.dense(hidden_MW)))
    expected = transformed @ encoder.embeddings.token.weight.T + head.bias
    torch.testing.assert_close(head(hidden_MW, encoder), expected)
    with torch.autocast("cpu", torch.bfloat16):
        assert head(hidden_MW, encoder).dtype == torch.float32
    targets = torch.tensor([0, 5, 98, 3, 3, 7])
    loss, correct = head.loss(hidden_MW, encoder, HardTargets(targets))
    torch.testing.assert_close(loss, functional.cross_entropy(expected, targets, reduction="sum"))
    assert int(correct) == int((expected.argmax(1) == targets).sum())


@torch.no_grad()
def test_the_table_that_is_kept_exact_stays_when_the_encoder_becomes_half() -> None:
    encoder = make_encoder()
    head = build_masked_lm_head(BERT.heads["masked-lm"], CONFIG)
    exact = encoder.embeddings.token.weight.clone()
    head.keep_exact(encoder)
    encoder.bfloat16()
    assert torch.equal(head.table(encoder), exact)
    assert not torch.equal(encoder.embeddings.token.weight.float(), exact)
