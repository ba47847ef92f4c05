"""Learning sentence-embedding from pairs: how alike two texts are, or that they belong together.

* Pairs with a score: the cosine of the two vectors is to be the score (Reimers and Gurevych 2019, section 3).
* Pairs without: of all second texts that are computed at once, negatives included, each first text is to find its own
  (Henderson et al. 2017, section 4.4, with the cosine times a scale). A text that belongs to the first one by another
  pair is no wrong answer, and left out. This loss alone depends on what is computed at once: the larger the
  micro-batch, the more there is to tell apart.

Shapes: `B` sequences, `P` pairs, `C` texts to choose from, `X` texts that belong to some pair's first, `W` width.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import ClassVar

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from bertkit.batching.training_batch import TrainingBatch
from bertkit.errors import InputError
from bertkit.labelled.examples import Example
from bertkit.labelled.pair_texts import PairTexts
from bertkit.model.encoder import Encoder
from bertkit.model.vector_steps import RecipeHead
from bertkit.objectives.contract import TaskTraining, TrainingOptions, ids_and_segments, whole
from bertkit.objectives.objective import Loss, Objective
from bertkit.sampling.sample_stream import Sample
from bertkit.tasks.contract import Task, Texts, optional_text_field, text_field, texts_field
from bertkit.tasks.sentence_embedding import SentenceEmbedding
from bertkit.tokenization.windows import Encoded

MINED = "negatives"  # the field of negatives that were looked for; `negative` is the user's own
SCALE = 20.0  # of the cosine, as sentence-transformers' MultipleNegativesRankingLoss has it


class PairObjective(Objective):
    """The loss of pairs. Reads `texts_P`, the texts of each pair: 2, or more with negatives; and

    * with scores: `score_P`;
    * without: `text_B`, the number of each text, the same for the same text; `known_X`, the numbers of the texts that
      belong to each pair's first, and `known_P`, how many these are.

    Args:
        head: how tokens become a vector.
        dimensions: shorter vectors that are learnt as well, the first so many numbers; the loss is the mean of all
            (Matryoshka, Kusupati et al. 2022).
    """

    name: ClassVar[str] = "sentence-embedding"
    head_name: ClassVar[str | None] = None

    def __init__(self, head: RecipeHead, dimensions: Sequence[int], *, scored: bool) -> None:
        super().__init__()
        self.head: RecipeHead = head
        self.dimensions = tuple(dimensions)
        self.scored = scored

    def count(self, batch: TrainingBatch) -> int:
        """The pairs."""
        return len(batch.targets["texts_P"])

    def forward(self, encoder: Encoder, hidden_TW: Tensor, batch: TrainingBatch) -> Loss:
        """The loss; of pairs without scores its sums have `correct`."""
        vectors_BW = self.head(hidden_TW, batch.tokens.layout, encoder)
        texts_P = batch.targets["texts_P"]
        first_P = texts_P.cumsum(0) - texts_P
        loss = partial(_cosine_loss, first_P=first_P, score_P=batch.targets["score_P"]) if self.scored else None
        if loss is None:
            place_B = torch.arange(len(vectors_BW), device=texts_P.device) - first_P.repeat_interleave(texts_P)
            choice_C = torch.cat([first_P + 1, (place_B > 1).nonzero()[:, 0]])
            no_answer_PC = _no_wrong_answers(batch.targets, choice_C)
            loss = partial(_choice_loss, first_P=first_P, choice_C=choice_C, left_out_PC=no_answer_PC)
        sizes = dict.fromkeys((*self.dimensions, vectors_BW.shape[1]))
        losses = [loss(functional.normalize(vectors_BW[:, :size], dim=1)) for size in sizes]
        total = torch.stack([loss.total for loss in losses]).mean()
        return Loss(total, losses[-1].sums)


def _cosine_loss(units_BW: Tensor, first_P: Tensor, score_P: Tensor) -> Loss:
    cosine_P = (units_BW[first_P] * units_BW[first_P + 1]).sum(dim=1)
    return Loss(functional.mse_loss(cosine_P, score_P, reduction="sum"))


def _choice_loss(units_BW: Tensor, first_P: Tensor, choice_C: Tensor, left_out_PC: Tensor) -> Loss:
    logits_PC = (SCALE * units_BW[first_P] @ units_BW[choice_C].T).masked_fill(left_out_PC, -torch.inf)
    own_P = torch.arange(len(first_P), device=logits_PC.device)
    total = functional.cross_entropy(logits_PC, own_P, reduction="sum")
    return Loss(total, {"correct": (logits_PC.detach().argmax(dim=1) == own_P).sum().float()})


def _no_wrong_answers(targets: Mapping[str, Tensor], choice_C: Tensor) -> Tensor:
    """Which texts belong to each pair's first one, or are that one itself, but for the pair's own; (P, C)."""
    known_P = targets["known_P"]
    pairs = len(known_P)
    known_XC = targets["known_X"][:, None] == targets["text_B"][choice_C]
    pair_X = torch.arange(pairs, device=known_P.device).repeat_interleave(known_P)
    hits_PC = torch.zeros(pairs, len(choice_C), device=known_P.device).index_add_(0, pair_X, known_XC.float())
    return (hits_PC > 0) & ~torch.eye(pairs, len(choice_C), dtype=torch.bool, device=known_P.device)


class PairTraining(TaskTraining):
    """Two texts, and perhaps more that do not belong.

    Args:
        prompt: put before every text.
        scores_or_pairs: the scores that are the cosines 0 and 1; or, of pairs without, which texts belong together.
    """

    def __init__(
        self,
        prompt: str = "",
        dimensions: Sequence[int] = (),
        scores_or_pairs: tuple[float, float] | PairTexts | None = None,
    ) -> None:
        self._prompt = prompt
        self._dimensions = dimensions
        self._scores = scores_or_pairs if isinstance(scores_or_pairs, tuple) else None
        self._pairs = scores_or_pairs if isinstance(scores_or_pairs, PairTexts) else PairTexts(())

    def read(self, fields: Mapping[str, object]) -> tuple[Texts, ...]:
        """The texts of a pair, each an input of its own."""
        return tuple(Texts(self._prompt + text) for text in _texts(fields))

    def samples(self, example: Example, encoded: Sequence[Encoded]) -> list[Sample]:
        """One sample."""
        target = example.target
        if isinstance(target, float) != (self._scores is not None):
            has = "a score, and others have none" if isinstance(target, float) else "no score, and others have one"
            raise InputError(f"{example.row.place}: the pair has {has}", "Score all pairs, or none.")
        ids, segments = ids_and_segments(whole(example, encoded))
        targets = {"texts_P": np.array([len(ids)])}
        if isinstance(target, float) and self._scores is not None:
            low, high = self._scores
            targets["score_P"] = np.array([(target - low) / (high - low)], np.float32)
        else:
            texts = _texts(example.row.fields)
            known = self._pairs.together(texts[0])
            targets["text_B"] = np.array([self._pairs.number(text) for text in texts])
            targets |= {"known_X": np.array(known), "known_P": np.array([len(known)])}
        return [Sample(ids, segments, targets)]

    def objective(self, head: nn.Module | None) -> PairObjective:
        """The loss."""
        assert isinstance(head, RecipeHead)
        return PairObjective(head, self._dimensions, scored=self._scores is not None)


def _texts(fields: Mapping[str, object]) -> list[str]:
    """The two texts of a pair, and those that do not belong."""
    negative = optional_text_field(fields, "negative")
    return [
        text_field(fields, "text"),
        text_field(fields, "text_pair"),
        *([] if negative is None else [negative]),
        *(texts_field(fields, MINED) if fields.get(MINED) else []),
    ]


def learning(task: Task, options: TrainingOptions) -> TaskTraining:
    """How sentence-embedding is learnt."""
    assert isinstance(task, SentenceEmbedding)
    return PairTraining(task.prompt, options.dimensions, options.scores or options.pairs)
