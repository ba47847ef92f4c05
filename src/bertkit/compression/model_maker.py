"""What answers with a checkpoint as it is, and as it would be after compression."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch

from bertkit.config.batch_tokens import batch_tokens
from bertkit.inference.backend import Backend
from bertkit.inference.torch_backend import ready_backend
from bertkit.pretrained.checkpoint import Pretrained
from bertkit.tasks.contract import Task
from bertkit.tasks.reading import Reader
from bertkit.tokenization.tokenizer import Tokenizer
from bertkit.tokenization.windows import LongText

if TYPE_CHECKING:
    from bertkit.inference.model import Model

CPU = torch.device("cpu")


@dataclass(frozen=True)
class ModelMaker:
    """What makes a model of a checkpoint: the task, its tokenizer, and how long texts are read."""

    task: Task
    tokenizer: Tokenizer
    long: LongText

    def model(self, pretrained: Pretrained, dtype: torch.dtype, tokens: int | None = None) -> Model:
        """A model of the checkpoint, on the CPU."""
        return self.around(pretrained, ready_backend(pretrained, self.task, CPU, dtype), tokens)

    def around(self, pretrained: Pretrained, backend: Backend, tokens: int | None = None) -> Model:
        """A model of the checkpoint that computes with a back end.

        Args:
            tokens: most of one batch.
        """
        from bertkit.inference.model import Model

        most = tokens or batch_tokens("answer", "cpu")
        reader = Reader(self.task, pretrained.max_length(self.task), self.long, offsets=self.task.needs_offsets)
        return Model(pretrained, reader, backend, batch_tokens=most)
