from __future__ import annotations

import torch
from torch.nn import functional

from bertkit.families.bert import FAMILY
from bertkit.model.heads import MaskedLMHead, build_masked_lm_head
from bertkit.model.init import initialise
from bertkit.objectives.masked_lm import MaskedLM
from tests.objectives.training_batches import CONFIG, make_batch, make_encoder


def make_head() -> MaskedLMHead:
    head = build_masked_lm_head(FAMILY.heads["masked-lm"], CONFIG)
    initialise(head, 0.2, torch.Generator().manual_seed(1))
    return head


def test_is_the_sum_of_cross_entropies_at_the_masks() -> None:
    encoder, objective, batch = make_encoder(), MaskedLM(make_head()), make_batch()
    hidden_TW = encoder(batch.tokens)
    loss = objective(encoder, hidden_TW, batch)
    logits_MV = objective.head(hidden_TW, encoder)[batch.targets["masked_M"]]
    ids_M = batch.targets["masked_ids_M"]
    torch.testing.assert_close(loss.total, functional.cross_entropy(logits_MV, ids_M, reduction="sum"))
    assert loss.sums["correct"] == (logits_MV.argmax(-1) == ids_M).sum()
    assert objective.count(batch) == len(ids_M) > 0


def test_without_a_mask_the_loss_is_a_zero_that_reaches_every_parameter() -> None:
    encoder, objective, batch = make_encoder(), MaskedLM(make_head()), make_batch(share=0.0)
    assert objective.count(batch) == 0
    loss = objective(encoder, encoder(batch.tokens), batch)
    assert loss.total.item() == 0.0
    loss.total.backward()
    for name, parameter in [*encoder.named_parameters(), *objective.named_parameters()]:
        if not name.startswith("pooler."):
            assert parameter.grad is not None, name
            assert not parameter.grad.any(), name


def test_in_half_precision_the_loss_is_float32() -> None:
    encoder, objective, batch = make_encoder(), MaskedLM(make_head()), make_batch()
    exact = objective(encoder, encoder(batch.tokens), batch).total
    with torch.autocast("cpu", torch.bfloat16):
        loss = objective(encoder, encoder(batch.tokens), batch)
    assert loss.total.dtype == torch.float32
    torch.testing.assert_close(loss.total, exact, rtol=0.02, atol=0)
    loss.total.backward()
    assert encoder.embeddings.token.weight.grad is not None
    assert encoder.embeddings.token.weight.grad.dtype == torch.float32
