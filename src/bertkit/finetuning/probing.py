"""A new head begins as a linear probe: the best linear model over the encoder as it is (Kumar et al. 2022, 2202.10054).

A head that begins at random has large gradients at first, and these change the encoder for the worse before the head
has learnt anything. One that begins as the probe has small ones. And the probe is measured too, as step 0, so that the
best checkpoint is never worse. Shapes: `R` targets, `W` features of each, `C` classes.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import torch
from torch import nn

from bertkit.batching.grouping import group_by_tokens
from bertkit.config.batch_tokens import batch_tokens
from bertkit.finetuning.linear_model import Array, LinearModel, fit
from bertkit.model.heads import Head
from bertkit.objectives.objective import Objective
from bertkit.sampling.sample_stream import Sample, SampleBatch
from bertkit.training.micro_batches import as_tensors, to_device
from bertkit.training.ranks import Ranks
from bertkit.training.training_module import TrainingModule

MOST_BYTES = 400 << 20  # of features; of more samples some are drawn, which a linear model does not miss


def fit_head(
    training_module: TrainingModule, samples: Sequence[Sample], ranks: Ranks, *, autocast: torch.dtype | None, seed: int
) -> None:
    """Has the head's last layer be the best one for the encoder as it is. All ranks call this.

    Args:
        training_module: on the device, not yet divided between ranks, with an objective that `can_fit`.
        autocast: the half precision that the encoder is computed in; None for float32.
        seed: of the samples that are drawn, and of how they are divided to choose a strength.
    """
    (objective,) = training_module.each()
    head = objective.head
    assert objective.fitted is not None
    assert isinstance(head, Head)
    x_RW, y_RC, sample_R = read(training_module, drawn(samples, head, seed), ranks.device, autocast=autocast)
    model = fit(x_RW, y_RC, objective.fitted, groups_N=sample_R, seed=seed)
    fill(head, model)
    ranks.same_as_first(head.classifier.parameters())  # processors differ in the last digits


def can_fit(objective: Objective) -> bool:
    """Whether the objective's head ends with a linear layer that can be fitted."""
    return objective.fitted is not None and isinstance(objective.head, Head)


@torch.no_grad()
def fill(head: Head, model: LinearModel) -> None:
    """The model becomes the head's last layer."""
    assert isinstance(head.classifier, nn.Linear)
    head.classifier.weight.copy_(torch.from_numpy(model.weight_CW))
    if head.classifier.bias is not None:
        head.classifier.bias.copy_(torch.from_numpy(model.bias_C))


def drawn(samples: Sequence[Sample], head: Head, seed: int) -> Sequence[Sample]:
    """All samples, or as many as there is memory for the features of."""
    assert isinstance(head.classifier, nn.Linear)
    rows = [sample.tokens if head.reads == "tokens" else 1 for sample in samples]
    most = MOST_BYTES // (4 * head.classifier.in_features)
    if sum(rows) <= most:
        return samples
    order = np.random.default_rng(seed).permutation(len(samples))
    taken = order[: max(1, int(np.searchsorted(np.cumsum([rows[number] for number in order]), most)))]
    return [samples[number] for number in sorted(taken)]


@torch.no_grad()
def read(
    training_module: TrainingModule, samples: Sequence[Sample], device: torch.device, *, autocast: torch.dtype | None
) -> tuple[Array, Array, npt.NDArray[np.int64]]:
    """What a linear model reads and is to give, with nothing dropped: (R, W), (R, C), and each row's sample."""
    (objective,) = training_module.each()
    everything = SampleBatch(samples)
    rows, targets, owners = [], [], []
    training_module.eval()
    for group in group_by_tokens(everything.lengths, batch_tokens("read", device.type)):
        batch = to_device(as_tensors(everything.pack(group)), device)
        with torch.autocast(device.type, autocast, enabled=autocast is not None):
            hidden_TW = training_module.encoder.hidden(batch.tokens, objective.output_indices(batch))
            x_RW, y_RC = objective.to_fit(training_module.encoder, hidden_TW, batch)
        rows.append(x_RW.float().cpu().numpy())
        targets.append(y_RC.float().cpu().numpy())
        owners.append(np.repeat(group, _rows_of(samples, group)))
    training_module.train()
    return np.concatenate(rows), np.concatenate(targets), np.concatenate(owners)


def _rows_of(samples: Sequence[Sample], group: Sequence[int]) -> list[int]:
    """Targets of each sample."""
    tags = [samples[number].targets.get("tag_T") for number in group]
    return [1 if tag_T is None else int((tag_T >= 0).sum()) for tag_T in tags]
