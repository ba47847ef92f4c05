"""sentence-embedding: one vector a text (Reimers and Gurevych 2019, https://arxiv.org/abs/1908.10084)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from torch import Tensor, nn

from bertkit.batching.token_batch import TokenBatch
from bertkit.model.encoder import Encoder
from bertkit.model.pooling import Pooling, reduce_tokens
from bertkit.tasks.contract import Array, Outcome, Reading, Result, Task, Texts, text_field
from bertkit.tokenization.tokenizer import Tokenizer
from bertkit.tokenization.windows import Window


@dataclass(frozen=True, kw_only=True)
class Embedding(Result):
    """One vector.

    Attributes:
        embedding: (W,) float32.
    """

    embedding: Array

    def answer(self) -> dict[str, object]:
        """`{"embedding": […]}`."""
        return {"embedding": self.embedding.tolist()}


class SentenceEmbedding(Task):
    """The hidden states of a text made into one vector.

    A long text is pooled over the tokens of all its windows, each token once.

    Args:
        pooling: mean of all tokens, the first token, or the largest value of each dimension.
        normalize: whether the vector is scaled to length 1.
        prompt: text that is put before every input, as some models were trained with.
    """

    name: ClassVar[str] = "sentence-embedding"
    fields: ClassVar[tuple[str, ...]] = ("text",)

    def __init__(
        self, tokenizer: Tokenizer, pooling: Pooling = "mean", normalize: bool = True, prompt: str = ""
    ) -> None:
        super().__init__(tokenizer)
        self.pooling = pooling
        self.normalize = normalize
        self.prompt = prompt

    def read(self, fields: Mapping[str, object]) -> tuple[Texts, ...]:
        """One text, behind the prompt."""
        return (Texts(self.prompt + text_field(fields, "text")),)

    def rows(self, window: Window) -> int:
        """One a window."""
        return 1

    def forward(
        self, encoder: Encoder, head: nn.Module | None, hidden_TW: Tensor, batch: TokenBatch, windows: Sequence[Window]
    ) -> tuple[Tensor, ...]:
        """Each window pooled, (B, W) float32; for the mean, its sum."""
        if self.pooling == "cls":
            return (hidden_TW[batch.layout.first_B].float(),)
        return (reduce_tokens(hidden_TW, batch.layout, "sum" if self.pooling == "mean" else "amax"),)

    def decode(self, outcomes: Sequence[Outcome], reading: Reading) -> Embedding:
        """The windows pooled into one vector."""
        (outcome,) = outcomes
        pooled_BW = np.concatenate([vector for (vector,) in outcome.outputs])
        if self.pooling == "mean":
            vector = pooled_BW.sum(axis=0) / np.float32(sum(len(window.ids) for window in outcome.encoded.windows))
        else:
            vector = pooled_BW.mean(axis=0) if self.pooling == "cls" else pooled_BW.max(axis=0)
        if self.normalize:
            vector = vector / max(np.linalg.norm(vector), np.float32(1e-12))
        return Embedding(embedding=vector.astype(np.float32, copy=False), reading=reading)
