"""Runs windows of text through an encoder and a task's head, by token budget, and sorts the outputs back."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import nn

from bertkit.batching.grouping import group_by_tokens
from bertkit.batching.token_batch import TokenBatch
from bertkit.model.encoder import Encoder
from bertkit.tasks.contract import Array, Task
from bertkit.tokenization.windows import Window

Outputs = tuple[Array, ...]


class Engine:
    """An encoder and a head that are ready on their device.

    Args:
        token_budget: most tokens of one batch.
    """

    def __init__(self, encoder: Encoder, head: nn.Module | None, task: Task, token_budget: int) -> None:
        self.encoder = encoder
        self.head = head
        self.task = task
        self.token_budget = token_budget
        self.device = encoder.embeddings.token.weight.device

    @property
    def dtype(self) -> str:
        """The precision that the encoder computes in, for records."""
        return str(self.encoder.embeddings.token.weight.dtype).removeprefix("torch.")

    @torch.inference_mode()
    def run(self, windows: Sequence[Window]) -> list[Outputs]:
        """The task's outputs for each window, in the order given, float32 on the host."""
        outputs: list[Outputs] = [()] * len(windows)
        for indices in group_by_tokens([len(window.ids) for window in windows], self.token_budget):
            for index, output in zip(indices, self._run_batch([windows[i] for i in indices]), strict=True):
                outputs[index] = output
        return outputs

    def _run_batch(self, windows: Sequence[Window]) -> list[Outputs]:
        batch = TokenBatch.pack([w.ids for w in windows], [w.segments for w in windows], self.device)
        hidden_TW = self.encoder.hidden(batch, self.task.wanted(self.head, batch, windows))
        rows = [self.task.rows(window) for window in windows]
        tensors = self.task.forward(self.encoder, self.head, hidden_TW, batch, windows)
        split = [[part.numpy() for part in torch.split(tensor.float().cpu(), rows)] for tensor in tensors]
        return list(zip(*split, strict=True))
