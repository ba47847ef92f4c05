"""Explanations by gradients of a score: integrated gradients, and the importance of heads.

Both work on packed batches, and know of the model only a function from a batch to one score a sequence.
Shapes: `T` packed tokens, `L` tokens of one sequence, `W` width, `B` sequences of a
batch, `S` steps, `N` heads.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

from bertkit.batching.grouping import group_by_tokens
from bertkit.batching.token_batch import TokenBatch
from bertkit.model.encoder import Encoder
from bertkit.model.steps import watched
from bertkit.tasks.contract import Array

# From the vectors (T, W) of a batch's tokens, the batch, and for each of its sequences the number of the input that it
# is a copy of, to scores (B,).
ScoreOfVectors = Callable[[Tensor, TokenBatch, Sequence[int]], Tensor]
# From an encoder to run, a batch, and for each of its sequences the number of its input, to scores (B,).
Score = Callable[[Encoder, TokenBatch, Sequence[int]], Tensor]


@dataclass(frozen=True, slots=True)
class Point:
    """An input of the model, and the input that it is compared with: same length, same segments, other tokens."""

    ids: list[int]
    baseline: list[int]
    segments: list[int]


@dataclass(frozen=True, slots=True)
class Attribution:
    """What each token adds to a score.

    Attributes:
        tokens_L: the attributions, float64.
        score, baseline_score: of the input and of the baseline.
    """

    tokens_L: np.ndarray[tuple[int], np.dtype[np.float64]]
    score: float
    baseline_score: float

    @property
    def delta(self) -> float:
        """How far the attributions' sum is from the difference of the scores: 0 but for the steps' being finite."""
        return float(self.tokens_L.sum()) - (self.score - self.baseline_score)


class _Copy(NamedTuple):
    """A copy of an input, part of the way from its baseline to itself."""

    number: int
    way: float
    weight: float


def integrated_gradients(
    score: ScoreOfVectors, embeddings: nn.Module, points: Sequence[Point], *, steps: int, budget: int
) -> list[Attribution]:
    """Integrated gradients of each input (Sundararajan et al. 2017, https://arxiv.org/abs/1703.01365).

    The path is a straight line between the vectors that the first layer reads: after the norm of the embeddings, where
    the same steps err less than on a path through it. Both ends have the same segments and positions, so that only the
    choice of tokens is credited. The integral is the midpoint rule, whose worst errors on real texts were smaller than
    Gauss-Legendre's. The steps of an input are copies of equal length: packed, they are one dense block without
    padding, and copies of several inputs share batches.

    Args:
        score: of the vectors that it is given, not of those that the batch's tokens have.
        embeddings: from a batch, and the ids by which positions are counted, to the vectors of its tokens, (T, W).
        steps: points on the path.
        budget: most tokens of one batch.
    """
    path = [(0.0, 0.0), (1.0, 0.0), *(((step + 0.5) / steps, 1 / steps) for step in range(steps))]
    copies = [_Copy(number, way, weight) for number in range(len(points)) for way, weight in path]
    tokens = [np.zeros(len(point.ids)) for point in points]
    ends: dict[tuple[int, float], float] = {}
    for indices in group_by_tokens([len(points[copy.number].ids) for copy in copies], budget):
        batch_copies = [copies[index] for index in indices]
        scores, parts = _run_copies(score, embeddings, points, batch_copies)
        for copy, one, part_L in zip(batch_copies, scores, parts, strict=True):
            tokens[copy.number] += copy.weight * part_L
            if copy.weight == 0.0:
                ends[copy.number, copy.way] = one
    return [Attribution(tokens_L, ends[number, 1.0], ends[number, 0.0]) for number, tokens_L in enumerate(tokens)]


def _run_copies(
    score: ScoreOfVectors, embeddings: nn.Module, points: Sequence[Point], copies: Sequence[_Copy]
) -> tuple[list[float], list[Array]]:
    """The score of each copy, and its gradient along the path, (L,) a copy."""
    device = next(embeddings.parameters()).device
    inputs = [points[copy.number] for copy in copies]
    segments = [one.segments for one in inputs]
    batch = TokenBatch.pack([one.ids for one in inputs], segments, device)
    way_T = torch.tensor([copy.way for copy in copies], device=device).float().repeat_interleave(batch.layout.lengths_B)
    with torch.no_grad():
        baseline = TokenBatch.pack([one.baseline for one in inputs], segments, device)
        start_TW = embeddings(baseline, batch.ids_T)
        path_TW = embeddings(batch) - start_TW
        at_TW = start_TW + way_T[:, None] * path_TW
    with torch.enable_grad():
        at_TW.requires_grad_()
        scores_B = score(at_TW, batch, [copy.number for copy in copies])
        (gradient_TW,) = torch.autograd.grad(scores_B.sum(), at_TW)
    along_T = (gradient_TW * path_TW).sum(dim=-1).cpu()
    return scores_B.tolist(), [part.numpy() for part in torch.split(along_T, list(batch.layout.lengths))]


def head_importance(
    score: Score, encoder: Encoder, points: Sequence[Point], *, budget: int
) -> list[tuple[Array, float]]:
    """How much each head matters to a score, and the score (Michel et al. 2019, https://arxiv.org/abs/1905.10650).

    A head's output is multiplied by a mask, which is 1; the importance is the absolute gradient of the score with
    respect to the mask, |∂ score / ∂ ξ|, (S, N) for each input. The paper's is the mean of these over a data set.

    Args:
        score: must run the encoder that it is given: this one, watched.
        budget: most tokens of one batch.
    """
    found: list[tuple[Array, float]] = [(np.zeros((0, 0), dtype=np.float32), 0.0)] * len(points)
    for indices in group_by_tokens([len(point.ids) for point in points], budget):
        inputs = [points[index] for index in indices]
        batch = TokenBatch.pack(
            [one.ids for one in inputs], [one.segments for one in inputs], encoder.embeddings.token.weight.device
        )
        scores_B, gradient_SBN = _mask_gradients(score, encoder, batch, indices)
        for index, one, gradient_SN in zip(indices, scores_B.tolist(), gradient_SBN.unbind(dim=1), strict=True):
            found[index] = gradient_SN.abs().cpu().numpy(), one
    return found


def _mask_gradients(score: Score, encoder: Encoder, batch: TokenBatch, numbers: Sequence[int]) -> tuple[Tensor, Tensor]:
    """Scores (B,) and their gradients with respect to a mask of each head of each sequence, (S, B, N)."""
    lengths_B = batch.layout.lengths_B
    shape = (len(encoder.config.layer_of_step), len(lengths_B), encoder.config.heads)
    with torch.enable_grad():
        mask_SBN = torch.ones(shape, device=batch.ids_T.device, requires_grad=True)

        def multiply(step: int, x_TW: Tensor) -> Tensor:
            mask_TN = mask_SBN[step].repeat_interleave(lengths_B, dim=0)
            x_TNH = x_TW.view(len(x_TW), shape[-1], -1)
            return (x_TNH * mask_TN[:, :, None]).flatten(1)

        scores_B = score(watched(encoder, "attention.output", multiply), batch, numbers)
        (gradient_SBN,) = torch.autograd.grad(scores_B.sum(), mask_SBN)
    return scores_B.detach(), gradient_SBN
