"""Learning sentence-embedding from pairs: how alike two texts are, or that they belong together.

* Pairs with a score: the cosine of the two vectors is to be the score (Reimers and Gurevych 2019, section 3).
* Pairs without: of all second texts that are computed at once, negatives included, each first text is to find its own
  (Henderson et al. 2017, section 4.4, with the cosine times a scale). This loss alone depends on what is computed at
  once: the larger the micro-batch, the more there is to tell apart.

Shapes: `B` sequences, `P` pairs, `W` width.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import ClassVar

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from bertkit.batching.training_batch import TrainingBatch
from bertkit.data.examples import Example
from bertkit.data.sample_stream import Sample
from bertkit.errors import InputError
from bertkit.model.encoder import Encoder
from bertkit.model.pooling import Pooling, pool_tokens
from bertkit.tasks.contract import Texts, optional_text_field, text_field
from bertkit.tasks.learning import Learning, ids_and_segments, whole
from bertkit.tasks.objective import Loss, Objective
from bertkit.tokenization.windows import Encoded

SCALE = 20.0  # of the cosine, as sentence-transformers' MultipleNegativesRankingLoss has it


class PairObjective(Objective):
    """The loss of pairs. Reads, for each, `texts_P`, its texts: 2, or 3 with a negative; and `score_P`, NaN without.

    Args:
        pooling: how tokens become a vector.
        dimensions: shorter vectors that are learnt as well, the first so many numbers; the loss is the mean of all
            (Matryoshka, Kusupati et al. 2022).
    """

    name: ClassVar[str] = "sentence-embedding"
    head_name: ClassVar[str | None] = None
    head = None

    def __init__(self, pooling: Pooling, dimensions: Sequence[int], *, scored: bool) -> None:
        super().__init__()
        self.pooling = pooling
        self.dimensions = tuple(dimensions)
        self.scored = scored

    def count(self, batch: TrainingBatch) -> int:
        """The pairs."""
        return len(batch.targets["texts_P"])

    def forward(self, encoder: Encoder, hidden_TW: Tensor, batch: TrainingBatch) -> Loss:
        """The loss; of pairs without scores its sums have `correct`."""
        vectors_BW = pool_tokens(hidden_TW, batch.tokens.layout, self.pooling)
        texts_P = batch.targets["texts_P"]
        first_P = texts_P.cumsum(0) - texts_P
        sizes = dict.fromkeys((*self.dimensions, vectors_BW.shape[1]))
        losses = [self._loss(vectors_BW[:, :size], first_P, texts_P, batch) for size in sizes]
        total = torch.stack([loss.total for loss in losses]).mean()
        return Loss(total, losses[-1].sums)

    def _loss(self, vectors_BW: Tensor, first_P: Tensor, texts_P: Tensor, batch: TrainingBatch) -> Loss:
        units_BW = functional.normalize(vectors_BW, dim=1)
        firsts_PW, seconds_PW = units_BW[first_P], units_BW[first_P + 1]
        if self.scored:
            cosine_P = (firsts_PW * seconds_PW).sum(dim=1)
            return Loss(functional.mse_loss(cosine_P, batch.targets["score_P"], reduction="sum"))
        negatives_NW = units_BW[first_P[texts_P > 2] + 2]
        logits = SCALE * firsts_PW @ torch.cat([seconds_PW, negatives_NW]).T
        own_P = torch.arange(len(first_P), device=logits.device)
        total = functional.cross_entropy(logits, own_P, reduction="sum")
        return Loss(total, {"correct": (logits.detach().argmax(dim=1) == own_P).sum().float()})


class PairLearning(Learning):
    """Two texts, and perhaps a third that does not belong.

    Args:
        prompt: put before every text.
        scored: whether each pair has a score; scores from `low` to `high` become cosines from 0 to 1.
    """

    def __init__(
        self,
        pooling: Pooling,
        prompt: str = "",
        dimensions: Sequence[int] = (),
        *,
        scored: bool,
        low: float = 0.0,
        high: float = 1.0,
    ) -> None:
        self._pooling: Pooling = pooling
        self._prompt = prompt
        self._dimensions = dimensions
        self._scored = scored
        self._low, self._high = low, high

    def read(self, fields: Mapping[str, object]) -> tuple[Texts, ...]:
        """The texts of a pair, each an input of its own."""
        texts = [text_field(fields, "text"), text_field(fields, "text_pair")]
        negative = optional_text_field(fields, "negative")
        return tuple(Texts(self._prompt + text) for text in (*texts, *([] if negative is None else [negative])))

    def samples(self, example: Example, encoded: Sequence[Encoded]) -> list[Sample]:
        """One sample."""
        target = example.target
        if isinstance(target, float) != self._scored:
            has = "a score, and others have none" if isinstance(target, float) else "no score, and others have one"
            raise InputError(f"{example.row.place}: the pair has {has}", "Score all pairs, or none.")
        score = (target - self._low) / (self._high - self._low) if isinstance(target, float) else float("nan")
        ids, segments = ids_and_segments(whole(example, encoded))
        texts_P, score_P = np.array([len(ids)]), np.array([score], np.float32)
        return [Sample(ids, segments, {"texts_P": texts_P, "score_P": score_P})]

    def objective(self, head: nn.Module | None) -> PairObjective:
        """The loss."""
        return PairObjective(self._pooling, self._dimensions, scored=self._scored)
