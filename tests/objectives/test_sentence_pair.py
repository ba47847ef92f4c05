from __future__ import annotations

import pytest
import torch
from torch.nn import functional

from bertkit.families import albert, bert
from bertkit.families.contract import Family
from bertkit.model.heads import build_head
from bertkit.model.init import initialise
from bertkit.objectives.sentence_pair import NextSentence, SentenceOrder, SentencePair
from tests.objectives.training_batches import CONFIG, make_batch, make_encoder


@pytest.mark.parametrize(("kind", "family"), [(NextSentence, bert.FAMILY), (SentenceOrder, albert.FAMILY)])
def test_is_the_sum_of_cross_entropies_of_sequences(kind: type[SentencePair], family: Family) -> None:
    assert kind.head_name is not None
    head = build_head(family.heads[kind.head_name], CONFIG, 2)
    initialise(head, 0.2, torch.Generator().manual_seed(1))
    encoder, objective, batch = make_encoder(), kind(head), make_batch()
    hidden_TW = encoder(batch.tokens)
    loss = objective(encoder, hidden_TW, batch)
    assert encoder.pooler is not None
    logits_B2 = head.classifier(encoder.pooler(hidden_TW, batch.tokens.layout))
    second_B = batch.targets["second_B"]
    torch.testing.assert_close(loss.total, functional.cross_entropy(logits_B2, second_B, reduction="sum"))
    assert loss.sums["correct"] == (logits_B2.argmax(-1) == second_B).sum()
    assert objective.count(batch) == 5
