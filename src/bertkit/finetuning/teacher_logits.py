"""A teacher's numbers for samples, computed once.

The teacher drops nothing and reads the same windows in every epoch, so what it says of a sample never changes. Kept, it
takes a few numbers a text or a word; computed at every step, it would cost more than the student's own forward pass.

Shapes: `R` texts or words, `C` classes.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import torch

from bertkit.batching.grouping import group_by_tokens
from bertkit.config.batch_tokens import batch_tokens
from bertkit.model.encoder import Encoder
from bertkit.model.finite import not_finite, weights_of
from bertkit.model.heads import Head
from bertkit.objectives.token_classification import NO_TAG
from bertkit.sampling.sample_stream import Sample, SampleBatch
from bertkit.training.micro_batches import as_tensors, to_device

Tick = Callable[[float], None]


def unwatched(items: float) -> None:
    """Nobody wants to know."""


@torch.no_grad()
def taught(
    samples: Sequence[Sample], encoder: Encoder, head: Head, device: torch.device, tick: Tick = unwatched
) -> list[Sample]:
    """The samples with the target `teacher_RC` besides: a row a text; of words, one for each token that learns a tag.

    Args:
        encoder, head: the teacher's, on the device, in evaluation mode.
        tick: called with how many more the teacher has read.

    Raises:
        NotFinite: the teacher computes NaN or infinity.
    """
    done = list(samples)
    everything = SampleBatch(samples)
    for group in group_by_tokens(everything.lengths, batch_tokens("read", device.type)):
        batch = to_device(as_tensors(everything.pack(group)), device)
        layout = batch.tokens.layout
        logits_RC = head(encoder.hidden(batch.tokens, head.output_indices(layout)), layout, encoder).float()
        if not bool(logits_RC.isfinite().all()):
            raise not_finite("the teacher's output", weights_of(encoder=encoder, head=head))
        if "tag_T" in batch.targets:
            logits_RC = logits_RC[batch.targets["tag_T"] != NO_TAG]
        parts = logits_RC.cpu().split([_rows(samples[index]) for index in group])
        for index, part_RC in zip(group, parts, strict=True):
            targets = {**samples[index].targets, "teacher_RC": part_RC.numpy()}
            done[index] = replace(samples[index], targets=targets)
        tick(len(group))
    return done


def _rows(sample: Sample) -> int:
    tag_T = sample.targets.get("tag_T")
    return 1 if tag_T is None else int((tag_T != NO_TAG).sum())
