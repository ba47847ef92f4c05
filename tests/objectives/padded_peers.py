"""What fine-tuning computes against transformers: the loss of one padded batch, and its gradient."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from bertkit.objectives.objective import Objective
from bertkit.pretrained.loading import open_pretrained
from bertkit.sampling.sample_stream import Sample, SampleBatch
from bertkit.training.micro_batches import as_tensors
from bertkit.training.training_module import TrainingModule
from tests.parity.bert_peer import Sequences, Sizes

SIZES = Sizes(segment_types=2)
SEQUENCES = Sequences.random([7, 20, 3, 12, 12], SIZES)


def trained(folder: Path, task: str, **options: object) -> tuple[nn.Module, nn.Module]:
    """Our encoder and head."""
    source = open_pretrained(folder)
    head = source.build_head(source.build_task(task, source.load_tokenizer(), **options))
    assert head is not None
    return source.build_encoder().float(), head.float()


def loss_of(encoder: nn.Module, objective: Objective, targets: list[dict[str, np.ndarray]]) -> torch.Tensor:
    """The mean over targets, of samples packed together."""
    samples = [
        Sample((ids,), (segments,), target)
        for ids, segments, target in zip(SEQUENCES.ids, SEQUENCES.segments, targets, strict=True)
    ]
    batch = as_tensors(SampleBatch(samples).pack(range(len(samples))))
    training_module = TrainingModule(encoder, {objective.name: objective})  # type: ignore[arg-type]
    (count,) = training_module.counts(batch)
    return training_module(batch)[objective.name]["loss"] / count


def agree(ours: torch.Tensor, theirs: torch.Tensor, encoder: nn.Module, peer: nn.Module) -> None:
    assert ours.item() == pytest.approx(theirs.item(), rel=1e-5)
    ours.backward()
    theirs.backward()
    found = encoder.embeddings.token.weight.grad  # type: ignore[union-attr]
    expected = peer.get_input_embeddings().weight.grad  # type: ignore[operator]
    assert torch.allclose(found, expected, atol=1e-5 * expected.abs().max().item())
