"""The objectives' losses and gradients are those of transformers' pre-training models, however a batch is split."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from bertkit.batching.token_batch import TokenBatch
from bertkit.batching.training_batch import TrainingBatch
from bertkit.model.encoder import Encoder
from bertkit.model.heads import build_head, build_masked_lm_head
from bertkit.objectives.masked_lm import MaskedLM
from bertkit.objectives.objective import Loss, Objective
from bertkit.objectives.replaced_token_detection import Generator, ReplacedTokenDetection
from bertkit.objectives.sentence_pair import NextSentence, SentenceOrder
from bertkit.pretrained.checkpoint import Pretrained
from bertkit.pretrained.loading import open_pretrained
from tests.parity.bert_peer import Sequences, Sizes
from tests.parity.test_families import ALBERT, BERT, ELECTRA, make_peer

LENGTHS = [5, 23, 7, 3, 16, 16, 2, 11, 23, 9, 4, 13, 6]
SPLITS = {"one": [13], "several": [4, 1, 6, 2], "each alone": [1] * 13}


class Examples:
    """Thirteen sequences, what was masked in them, and their second parts."""

    def __init__(self, sequences: Sequences) -> None:
        generator = torch.Generator().manual_seed(3)
        self.sequences = sequences
        self.labels = [
            [id if torch.rand((), generator=generator) < 0.3 else -100 for id in ids] for ids in sequences.ids
        ]
        self.labels[2] = [-100] * len(self.labels[2])  # some have no mask
        self.second = torch.randint(2, (len(sequences.ids),), generator=generator).tolist()
        self.read = [
            [4 if label != -100 else id for id, label in zip(ids, labels, strict=True)]
            for ids, labels in zip(sequences.ids, self.labels, strict=True)
        ]

    def batch(self, rows: slice) -> TrainingBatch:
        labels_T = torch.tensor([label for labels in self.labels[rows] for label in labels])
        masked_M = (labels_T != -100).nonzero()[:, 0]
        targets = {
            "masked_M": masked_M,
            "masked_ids_M": labels_T[masked_M],
            "second_B": torch.tensor(self.second[rows]),
        }
        return TrainingBatch(TokenBatch.pack(self.read[rows], self.sequences.segments[rows]), targets)

    def batches(self, split: Sequence[int]) -> Iterable[TrainingBatch]:
        start = 0
        for count in split:
            yield self.batch(slice(start, start + count))
            start += count

    def padded(self) -> dict[str, Tensor]:
        longest = max(map(len, self.labels))
        labels_BL = torch.tensor([labels + [-100] * (longest - len(labels)) for labels in self.labels])
        return replace(self.sequences, ids=self.read).padded() | {"labels": labels_BL}


@pytest.fixture
def examples() -> Examples:
    # Ids from 5 on: 0 is transformers' padding, and 4 stands for a mask here.
    sequences = Sequences.random(LENGTHS, Sizes())
    return Examples(replace(sequences, ids=[[max(id, 5) for id in ids] for ids in sequences.ids]))


class Ours:
    """An encoder with objectives, and their gradients under the names of the checkpoint."""

    def __init__(self, pretrained: Pretrained, *heads: str) -> None:
        self.pretrained = pretrained
        self.encoder: Encoder = pretrained.build_encoder()
        self.heads = {name: self._head(name) for name in heads}

    def _head(self, name: str) -> Any:
        shape, config = self.pretrained.family.heads[name], self.pretrained.config
        classes = 1 if name == "replaced-token-detection" else 2
        head = build_masked_lm_head(shape, config) if name == "masked-lm" else build_head(shape, config, classes)
        self.pretrained.weights.fill(head, self.pretrained.table(shape.weights))
        return head.eval()

    def learn(self, objectives: Sequence[Objective], batches: Iterable[TrainingBatch]) -> float:
        """The loss of all batches as one, each objective divided by its own count; gradients are left behind."""
        batches = list(batches)
        counts = [sum(objective.count(batch) for batch in batches) for objective in objectives]
        total = 0.0
        for batch in batches:
            tokens = batch.tokens
            for objective in objectives:
                tokens = objective.inputs(tokens, batch)
            hidden_TW = self.encoder(tokens)
            losses: list[Loss] = [objective(self.encoder, hidden_TW, batch) for objective in objectives]
            loss = sum(loss.total / count for loss, count in zip(losses, counts, strict=True))
            assert isinstance(loss, Tensor)
            loss.backward()
            total += loss.item()
        return total

    def gradients(self) -> dict[str, Tensor]:
        rows = self.pretrained.family.encoder
        found = self.pretrained.table(rows).to_theirs(_gradients(self.encoder), self.pretrained.family.prefix)
        for name, head in self.heads.items():
            table = self.pretrained.table(self.pretrained.family.heads[name].weights)
            found |= table.to_theirs(_gradients(head))
        return dict(found)


def _gradients(module: nn.Module) -> dict[str, Tensor]:
    return {name: parameter.grad for name, parameter in module.named_parameters() if parameter.grad is not None}


def assert_same_gradients(ours: Mapping[str, Tensor], peer: nn.Module) -> None:
    expected = _gradients(peer)
    # Aliases and tied copies are one tensor, which transformers names once.
    assert set(expected) <= set(ours)
    largest = max(gradient.abs().max() for gradient in expected.values())
    for name, gradient in expected.items():
        assert (ours[name] - gradient).abs().max() <= 1e-5 * largest, name


@pytest.mark.parametrize("split", SPLITS.values(), ids=SPLITS)
def test_bert_masks_and_next_sentences(examples: Examples, split: list[int], tmp_path: Path) -> None:
    peer = make_peer(BERT, "ForPreTraining", tmp_path)
    out = peer(**examples.padded(), next_sentence_label=torch.tensor(examples.second))
    out.loss.backward()
    ours = Ours(open_pretrained(tmp_path), "masked-lm", "next-sentence")
    objectives = [MaskedLM(ours.heads["masked-lm"]), NextSentence(ours.heads["next-sentence"])]
    assert ours.learn(objectives, examples.batches(split)) == pytest.approx(out.loss.item(), rel=1e-5)
    assert_same_gradients(ours.gradients(), peer)


@pytest.mark.parametrize("split", SPLITS.values(), ids=SPLITS)
def test_albert_masks_and_sentence_order(examples: Examples, split: list[int], tmp_path: Path) -> None:
    peer = make_peer(ALBERT, "ForPreTraining", tmp_path)
    out = peer(**examples.padded(), sentence_order_label=torch.tensor(examples.second))
    out.loss.backward()
    ours = Ours(open_pretrained(tmp_path), "masked-lm", "sentence-order")
    objectives = [MaskedLM(ours.heads["masked-lm"]), SentenceOrder(ours.heads["sentence-order"])]
    assert ours.learn(objectives, examples.batches(split)) == pytest.approx(out.loss.item(), rel=1e-5)
    assert_same_gradients(ours.gradients(), peer)


class FixedGenerator(Generator):
    """Fills every mask with what stood there plus one, or the same where that is divisible by three."""

    def __init__(self) -> None:
        nn.Module.__init__(self)

    def propose(self, tokens: TokenBatch, batch: TrainingBatch) -> Tensor:
        ids_M = batch.targets["masked_ids_M"]
        return torch.where(ids_M % 3 == 0, ids_M, (ids_M + 1) % 99)


@pytest.mark.parametrize("split", SPLITS.values(), ids=SPLITS)
def test_electra_tells_replaced_tokens(examples: Examples, split: list[int], tmp_path: Path) -> None:
    peer = make_peer(ELECTRA, "ForPreTraining", tmp_path)
    inputs = examples.padded()
    true_BL = examples.sequences.padded()["input_ids"]
    filled_BL = torch.where(true_BL % 3 == 0, true_BL, (true_BL + 1) % 99)
    read_BL = torch.where(inputs["labels"] == -100, true_BL, filled_BL)
    replaced_BL = (read_BL != true_BL).long()
    assert 0 < replaced_BL.sum() < (inputs["labels"] != -100).sum()
    out = peer(**inputs | {"input_ids": read_BL, "labels": replaced_BL})
    out.loss.backward()
    ours = Ours(open_pretrained(tmp_path), "replaced-token-detection")
    objective = ReplacedTokenDetection(ours.heads["replaced-token-detection"], FixedGenerator())
    loss = ours.learn([objective], examples.batches(split))
    assert loss == pytest.approx(out.loss.item(), rel=1e-5)
    assert_same_gradients(ours.gradients(), peer)
