"""One pass of the encoder for several objectives, each of which reads other tokens."""

from __future__ import annotations

import pytest
import torch

from bertkit.batching.training_batch import TrainingBatch
from bertkit.families.bert import FAMILY
from bertkit.model.heads import build_head, build_masked_lm_head
from bertkit.model.init import initialise
from bertkit.objectives.masked_lm import MaskedLM
from bertkit.objectives.objective import Objective
from bertkit.objectives.sentence_pair import NextSentence
from bertkit.training.training_module import TrainingModule, weighted_loss
from tests.objectives.training_batches import CONFIG, make_batch, make_encoder


def objectives() -> dict[str, Objective]:
    masks = build_masked_lm_head(FAMILY.heads["masked-lm"], CONFIG)
    pairs = build_head(FAMILY.heads["next-sentence"], CONFIG, 2)
    for head in (masks, pairs):
        initialise(head, 0.2, torch.Generator().manual_seed(1))
    return {one.name: one for one in (MaskedLM(masks), NextSentence(pairs))}


def test_together_they_compute_what_each_does_of_all_hidden_states(monkeypatch: pytest.MonkeyPatch) -> None:
    encoder, learnt, batch = make_encoder(), objectives(), make_batch()
    passes: list[int] = []
    encoder.register_forward_hook(lambda module, inputs, output: passes.append(len(output)))
    training_module = TrainingModule(encoder, learnt)
    assert training_module.counts(batch) == [one.count(batch) for one in learnt.values()]
    outputs = training_module(batch)
    wanted = [one.output_indices(batch) for one in learnt.values()]
    assert passes == [sum(len(one) for one in wanted if one is not None)], "one pass, of what anyone reads"
    hidden_TW = encoder(batch.tokens)
    for name, one in learnt.items():
        loss = one(encoder, hidden_TW, batch)
        torch.testing.assert_close(outputs[name]["loss"], loss.total)
        assert outputs[name]["correct"] == loss.sums["correct"]


def test_where_one_reads_all_tokens_there_is_one_pass_of_all(monkeypatch: pytest.MonkeyPatch) -> None:
    encoder, learnt, batch = make_encoder(), objectives(), make_batch()
    monkeypatch.setattr(MaskedLM, "output_indices", lambda self, batch: None)
    passes: list[int] = []
    encoder.register_forward_hook(lambda module, inputs, output: passes.append(len(output)))
    outputs = TrainingModule(encoder, learnt)(batch)
    assert passes == [len(batch.tokens.ids_T)]
    expected = learnt["fill-mask"](encoder, encoder(batch.tokens), batch).total
    torch.testing.assert_close(outputs["fill-mask"]["loss"], expected)


def test_the_gradient_is_of_the_weighted_sum() -> None:
    encoder, learnt = make_encoder(), objectives()
    training_module, batch = TrainingModule(encoder, learnt), make_batch()
    weight = encoder.embeddings.token.weight

    def gradient(scales: dict[str, float], batch: TrainingBatch) -> torch.Tensor:
        return torch.autograd.grad(weighted_loss(training_module(batch), scales), weight)[0]

    names = list(learnt)
    parts = [gradient({name: 1.0}, batch) for name in names]
    together = gradient(dict(zip(names, (0.5, 3.0), strict=True)), batch)
    torch.testing.assert_close(together, 0.5 * parts[0] + 3.0 * parts[1])
