"""sentence-embedding: one vector a text (Reimers and Gurevych 2019, https://arxiv.org/abs/1908.10084)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import ClassVar, get_args

import numpy as np
import torch
from torch import Tensor, nn

from bertkit.batching.token_batch import TokenBatch
from bertkit.errors import UserError, near_match
from bertkit.model.encoder import Encoder
from bertkit.model.pooling import Part, Pooling, finish_pooling, parts_of, pool_part, position_sum
from bertkit.model.vector_steps import Recipe, Step
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
        pooling: mean of all tokens, the first token, the largest value of each dimension, …; several are put side by
            side.
        normalize: whether the vector is scaled to length 1.
        prompt: text that is put before every input, as some models were trained with.
        include_prompt: whether the prompt's tokens are pooled too; with them goes what the model puts before a text.
        before, after: what is done to tokens before they are pooled, and to the vector afterwards.
        truncate_dim: numbers of the vector that are given, the first ones; None gives all. They are not scaled again.
    """

    name: ClassVar[str] = "sentence-embedding"
    fields: ClassVar[tuple[str, ...]] = ("text",)

    def __init__(
        self,
        tokenizer: Tokenizer,
        pooling: Pooling | Sequence[Pooling] = "mean",
        normalize: bool = True,
        prompt: str = "",
        include_prompt: bool = True,
        before: tuple[Step, ...] = (),
        after: tuple[Step, ...] = (),
        truncate_dim: int | None = None,
    ) -> None:
        super().__init__(tokenizer)
        poolings = (pooling,) if isinstance(pooling, str) else tuple(pooling)
        for one in poolings:
            if one not in get_args(Pooling):
                hint = near_match(one, get_args(Pooling))
                raise UserError(f"unknown pooling {one!r}{hint}", f"Choose {', '.join(get_args(Pooling))}.")
        if truncate_dim is not None and truncate_dim < 1:
            raise UserError(f"truncate_dim is {truncate_dim}", "Choose 1 or more, or leave it out.")
        skip = 0 if include_prompt or not prompt else prompt_length(tokenizer, prompt)
        self.recipe = Recipe(poolings, before, after, skip)
        self.pooling = poolings[0] if len(poolings) == 1 else poolings
        self.normalize = normalize
        self.prompt = prompt
        self.truncate_dim = truncate_dim
        self._parts = parts_of(poolings)

    def read(self, fields: Mapping[str, object]) -> tuple[Texts, ...]:
        """One text, behind the prompt."""
        return (Texts(self.prompt + text_field(fields, "text")),)

    def rows(self, window: Window) -> int:
        """One a window."""
        return 1

    def forward(
        self, encoder: Encoder, head: nn.Module | None, hidden_TW: Tensor, batch: TokenBatch, windows: Sequence[Window]
    ) -> tuple[Tensor, ...]:
        """The parts of the poolings, (B, W) float32 each; where a prompt is left out, once more without it."""
        tokens_TW = self.recipe.tokens(hidden_TW)
        skips = (0, self.recipe.skip) if self.recipe.skip else (0,)
        return tuple(pool_part(tokens_TW, batch.layout, part, skip) for skip in skips for part in self._parts)

    def decode(self, outcomes: Sequence[Outcome], reading: Reading) -> Embedding:
        """The windows pooled into one vector."""
        (outcome,) = outcomes
        vector = self._pooled(outcome)
        if self.recipe.after:
            with torch.inference_mode():
                vector = self.recipe.finish(torch.from_numpy(vector)[None])[0].numpy()
        if self.normalize:
            vector = vector / max(np.linalg.norm(vector), np.float32(1e-12))
        return Embedding(embedding=vector[: self.truncate_dim].astype(np.float32, copy=False), reading=reading)

    def _pooled(self, outcome: Outcome) -> Array:
        """All windows' tokens as one sequence's; of the first token, which each window has, the mean."""
        parts = self._parts
        length_N = np.array([len(window.ids) for window in outcome.encoded.windows], dtype=np.float32)
        rows: list[tuple[Array, ...]] = [outputs[: len(parts)] for outputs in outcome.outputs]
        skipped = 0.0
        if self.recipe.skip:  # the prompt stands in the first window
            rows[0] = outcome.outputs[0][len(parts) :]
            skipped = min(float(self.recipe.skip), float(length_N[0]) - 1)
        of = {part: np.concatenate([row[place] for row in rows]) for place, part in enumerate(parts)}
        before_N1 = np.array([0, *accumulate(length_N[:-1])], dtype=np.float32)[:, None]
        if "weighted" in of:  # positions go on from window to window
            of["weighted"] = of["weighted"] + before_N1 * of["sum"]
        merged: dict[Part, Array] = {part: _MERGE[part](of[part]) for part in parts}
        length = float(length_N.sum())
        count, weight = length - skipped, position_sum(length) - position_sum(skipped)
        return np.concatenate([finish_pooling(one, merged, count, weight) for one in self.recipe.poolings])


_MERGE = {
    "sum": lambda rows_NW: rows_NW.sum(axis=0),
    "weighted": lambda rows_NW: rows_NW.sum(axis=0),
    "first": lambda rows_NW: rows_NW.mean(axis=0),
    "last": lambda rows_NW: rows_NW[-1],
    "max": lambda rows_NW: rows_NW.max(axis=0),
}


def prompt_length(tokenizer: Tokenizer, prompt: str) -> int:
    """Tokens of a prompt as a text of its own, without the last one where that is a special token."""
    frame = tokenizer.template.single
    (tokens,) = tokenizer.tokenize([prompt])
    return len(frame.prefix.ids) + len(tokens.ids) + max(0, len(frame.suffix.ids) - 1)
