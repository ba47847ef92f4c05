"""A head that begins as a linear model: what it reads, and that it is the best one."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional

from bertkit.batching.token_batch import TokenBatch
from bertkit.batching.training_batch import TrainingBatch
from bertkit.config.encoder import EncoderConfig
from bertkit.families.contract import HeadShape, Reads, weight_and_bias
from bertkit.finetuning import probing
from bertkit.finetuning.probing import can_fit, drawn, fit_head, read
from bertkit.model.build import build_encoder
from bertkit.model.encoder import Encoder
from bertkit.model.heads import Head, build_head
from bertkit.model.init import initialise
from bertkit.objectives.text_classification import LabelObjective
from bertkit.objectives.token_classification import NO_TAG, TagObjective
from bertkit.sampling.sample_stream import Sample
from bertkit.training.ranks import Ranks
from bertkit.training.training_module import TrainingModule

CPU = torch.device("cpu")
ALONE = Ranks(0, 1, CPU, None)
SIZES = EncoderConfig(vocab_size=40, width=16, heads=2, ffn_width=24, layer_of_step=(0, 1))
RANDOM = np.random.default_rng(0)
IDS = [RANDOM.integers(5, 40, RANDOM.integers(2, 9)).tolist() for _ in range(60)]
LABELS = [int(max(ids) > 35) for ids in IDS]


def encoder_and_head(reads: Reads) -> tuple[Encoder, Head]:
    random = torch.Generator().manual_seed(1)
    encoder, head = build_encoder(SIZES), build_head(HeadShape(weight_and_bias("classifier", "x"), reads), SIZES, 2)
    for part in (encoder, head):
        initialise(part, 0.5, random)
    return encoder, head


def text_samples() -> list[Sample]:
    return [
        Sample((ids,), ([0] * len(ids),), {"label_B": np.array([label], np.int64)})
        for ids, label in zip(IDS, LABELS, strict=True)
    ]


def word_samples() -> list[Sample]:
    samples = []
    for ids in IDS:
        tag_T = np.array([NO_TAG if place % 3 == 2 else int(id > 20) for place, id in enumerate(ids)], np.int64)
        samples.append(Sample((ids,), ([0] * len(ids),), {"tag_T": tag_T}))
    return samples


def batch_of(samples: list[Sample], name: str) -> TrainingBatch:
    tokens = TokenBatch.pack([sample.ids[0] for sample in samples], [sample.segments[0] for sample in samples])
    targets = torch.from_numpy(np.concatenate([sample.targets[name] for sample in samples]))
    return TrainingBatch(tokens, {name: targets})


@pytest.mark.parametrize("reads", ["first", "mean", "pooler", "late"])
def test_texts(reads: Reads) -> None:
    encoder, head = encoder_and_head(reads)
    objective = LabelObjective(head, "single-label", None, 0.0)
    training_module = TrainingModule(encoder, {objective.name: objective})
    assert can_fit(objective)
    fit_head(training_module, text_samples(), ALONE, autocast=None, seed=0)
    assert training_module.training, "as it was"
    with torch.no_grad():
        fitted = float(training_module.eval()(batch_of(text_samples(), "label_B"))[objective.name]["loss"])
        objective.head.classifier.weight.mul_(0.5)  # type: ignore[operator, union-attr]
        half = float(training_module(batch_of(text_samples(), "label_B"))[objective.name]["loss"])
    assert fitted < half
    assert fitted < len(IDS) * float(np.log(2))


def test_words_learn_from_their_first_pieces() -> None:
    encoder, head = encoder_and_head("tokens")
    objective = TagObjective(head)
    training_module = TrainingModule(encoder, {objective.name: objective})
    x_RW, y_RC, sample_R = read(training_module, word_samples(), CPU, autocast=None)
    learns = [int((sample.targets["tag_T"] != NO_TAG).sum()) for sample in word_samples()]
    assert len(x_RW) == len(y_RC) == sum(learns)
    assert np.bincount(sample_R).tolist() == learns
    fit_head(training_module, word_samples(), ALONE, autocast=None, seed=0)
    with torch.no_grad():
        sums = training_module.eval()(batch_of(word_samples(), "tag_T"))[objective.name]
    assert float(sums["loss"]) < sum(learns) * float(np.log(2))


def test_labels_are_weighted_and_smoothed_as_the_loss_has_them() -> None:
    encoder, head = encoder_and_head("mean")
    objective = LabelObjective(head, "single-label", [1.0, 3.0], 0.2)
    batch = batch_of(text_samples(), "label_B")
    with torch.no_grad():
        hidden_TW = encoder.eval()(batch.tokens)
        x_BW, y_BC = objective.to_fit(encoder, hidden_TW, batch)
        loss = -(y_BC * functional.log_softmax(head.eval().classifier(x_BW), dim=-1)).sum()
        expected = objective(encoder, hidden_TW, batch).total
    torch.testing.assert_close(loss, expected)


def test_other_heads_are_not_fitted() -> None:
    class Other(LabelObjective):
        fitted = None  # type: ignore[assignment]

    _, head = encoder_and_head("mean")
    assert not can_fit(Other(head, "single-label", None, 0.0))
    assert not can_fit(TagObjective(nn.Linear(16, 2)))


def test_as_many_samples_as_there_is_memory_for(monkeypatch: pytest.MonkeyPatch) -> None:
    _, head = encoder_and_head("tokens")
    samples = word_samples()
    assert drawn(samples, head, 0) is samples
    monkeypatch.setattr(probing, "MOST_BYTES", 4 * 16 * 50)
    some = drawn(samples, head, 0)
    assert 0 < sum(sample.tokens for sample in some) <= 50
    assert [id(one) for one in drawn(samples, head, 0)] == [id(one) for one in some]
