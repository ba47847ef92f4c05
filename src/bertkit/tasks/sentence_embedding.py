"""sentence-embedding: one vector a text (Reimers and Gurevych 2019, https://arxiv.org/abs/1908.10084)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import accumulate
from typing import TYPE_CHECKING, ClassVar, get_args

import numpy as np

from bertkit.config.pooling import Part, Pooling, finish_pooling, position_sum
from bertkit.config.readout import Final, Readout
from bertkit.config.vectors import VectorPrecision
from bertkit.errors import UserError, near_match
from bertkit.tasks.contract import Array, Outcome, Reading, Result, Task, Texts, text_field
from bertkit.vectors.quantising import Floats, Stored, StoredAs

if TYPE_CHECKING:
    from bertkit.tokenization.tokenizer import Tokenizer


FIND_RANGES = (
    "Find them on texts of yours: bertkit evaluate -m MODEL --task sentence-embedding --data TEXTS --calibrate."
)


@dataclass(frozen=True, kw_only=True)
class Embedding(Result):
    """One vector.

    Attributes:
        embedding: (W,) float32; in another precision as `quantize_embeddings` gives it.
        stored_as: the other precision; None for float32.
        width: numbers of the vector that it was made of.
    """

    embedding: Stored
    stored_as: StoredAs | None = None
    width: int | None = field(default=None, repr=False)

    @property
    def vector(self) -> Floats:
        """What the embedding stands for, (W,) float32; of a bit 1 or -1."""
        return self.embedding if self.stored_as is None else self.stored_as.restore(self.embedding, self.width)

    def answer(self) -> dict[str, object]:
        """`{"embedding": […]}`, with the precision where that is not float32."""
        told = {} if self.stored_as is None else {"precision": self.stored_as.precision}
        return {"embedding": self.embedding.tolist(), **told}


class SentenceEmbedding(Task):
    """The hidden states of a text made into one vector.

    A long text is pooled over the tokens of all its windows, each token once.

    Args:
        pooling: mean of all tokens, the first token, the largest value of each dimension, …; several are put side by
            side.
        normalize: whether the vector is scaled to length 1.
        prompt: text that is put before every input, as some models were trained with.
        include_prompt: whether the prompt's tokens are pooled too; with them goes what the model puts before a text.
        finish: what the model does to a pooled vector, (W,) to (O,); None leaves it as it is.
        truncate_dim: numbers of the vector that are given, the first ones; None gives all. They are not scaled again.
        precision: what the vector is stored in, after all that: `float32`, `float16`, a byte a number (`int8`, `uint8`)
            or a bit (`binary`, `ubinary`). A byte needs ranges, of the whole vector: a `StoredAs`.
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
        finish: Callable[[Array], Array] | None = None,
        truncate_dim: int | None = None,
        precision: VectorPrecision | StoredAs = "float32",
    ) -> None:
        super().__init__(tokenizer)
        poolings = (pooling,) if isinstance(pooling, str) else tuple(pooling)
        for one in poolings:
            if one not in get_args(Pooling):
                hint = near_match(one, get_args(Pooling))
                raise UserError(f"unknown pooling {one!r}{hint}", f"Choose {', '.join(get_args(Pooling))}.")
        if truncate_dim is not None and truncate_dim < 1:
            raise UserError(f"truncate_dim is {truncate_dim}", "Choose 1 or more, or leave it out.")
        stored_as = precision if isinstance(precision, StoredAs) else StoredAs(precision)
        if stored_as.lacks_ranges:
            raise UserError(f"{precision} vectors, and the model's folder has no ranges for them", FIND_RANGES)
        skip = 0 if include_prompt or not prompt else prompt_length(tokenizer, prompt)
        self._readout = Readout("sequence", pooling=poolings, skip=skip)
        self.pooling = poolings[0] if len(poolings) == 1 else poolings
        self.normalize = normalize
        self.prompt = prompt
        self.truncate_dim = truncate_dim
        self.precision = None if stored_as.precision == "float32" else stored_as.precision
        self._stored_as = stored_as.first(truncate_dim)
        self._finish = finish

    def read(self, fields: Mapping[str, object]) -> tuple[Texts, ...]:
        """One text, behind the prompt."""
        return (Texts(self.prompt + text_field(fields, "text")),)

    @property
    def readout(self) -> Readout:
        """The parts of the poolings, (1, W) each; where a prompt is left out, once more without it."""
        return self._readout

    @property
    def final(self) -> Final:
        """The vector of a text, of length 1 where that is asked for."""
        return Final("length" if self.normalize else "identity", cut=self.truncate_dim)

    def decode(self, outcomes: Sequence[Outcome], reading: Reading) -> Embedding:
        """The windows pooled into one vector."""
        (outcome,) = outcomes
        vector = self._finished(self._pooled(outcome))
        if self.precision is None:
            return Embedding(embedding=vector, reading=reading)
        as_ = self._stored_as
        return Embedding(embedding=as_.store(vector), stored_as=as_, width=len(vector), reading=reading)

    def of_tokens(self, vectors_TW: Array) -> Floats:
        """The vector of some tokens of a text, (O,) float32: their mean, and what the model does to that."""
        return self._finished(vectors_TW.mean(axis=0))

    def _finished(self, vector: Array) -> Floats:
        if self._finish is not None:
            vector = self._finish(vector)
        if self.normalize:
            vector = vector / max(np.linalg.norm(vector), np.float32(1e-12))
        return vector[: self.truncate_dim].astype(np.float32, copy=False)

    def _pooled(self, outcome: Outcome) -> Array:
        """All windows' tokens as one sequence's; of the first token, which each window has, the mean."""
        parts, skip = self.readout.parts, self.readout.skip
        length_N = np.array([len(window.ids) for window in outcome.encoded.windows], dtype=np.float32)
        rows: list[tuple[Array, ...]] = [outputs[: len(parts)] for outputs in outcome.outputs]
        skipped = 0.0
        if skip:  # the prompt stands in the first window
            rows[0] = outcome.outputs[0][len(parts) :]
            skipped = min(float(skip), float(length_N[0]) - 1)
        of = {part: np.concatenate([row[place] for row in rows]) for place, part in enumerate(parts)}
        before_N1 = np.array([0, *accumulate(length_N[:-1])], dtype=np.float32)[:, None]
        if "weighted" in of:  # positions go on from window to window
            of["weighted"] = of["weighted"] + before_N1 * of["sum"]
        merged: dict[Part, Array] = {part: _MERGE[part](of[part]) for part in parts}
        length = float(length_N.sum())
        count, weight = length - skipped, position_sum(length) - position_sum(skipped)
        return np.concatenate([finish_pooling(one, merged, count, weight) for one in self.readout.pooling])


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
