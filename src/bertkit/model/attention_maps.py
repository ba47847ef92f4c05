"""What attends to what. Kernels never hold these numbers: the steps asked for are computed again, for one sequence.

The encoder runs once as it always does, and only the inputs of attention are kept, (T, W) a step; queries, keys and
their softmax are then made again from those. Shapes: `L` tokens of one sequence, `N` heads, `H` width of one head, `R`
rows that a rollout starts from.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator

import torch
from torch import Tensor

from bertkit.batching.layout import PackedLayout
from bertkit.batching.token_batch import TokenBatch
from bertkit.model.attention import Attention, View
from bertkit.model.encoder import Encoder
from bertkit.model.steps import watched


@torch.no_grad()
def attention_maps(
    encoder: Encoder, batch: TokenBatch, sequence: int, steps: Collection[int] | None = None
) -> dict[int, Tensor]:
    """How much each token of one sequence of a batch attends to each other: (N, L, L) a step, rows sum to 1.

    Args:
        steps: which; all when left out. Each costs N · L² numbers.
    """
    wanted = range(len(encoder.config.layer_of_step)) if steps is None else steps
    one, tokens = _one_sequence(batch, sequence)
    inputs = attention_inputs(encoder, batch, wanted, tokens)
    return {step: _map(encoder, step, inputs[step], one) for step in wanted}


@torch.no_grad()
def attention_inputs(
    encoder: Encoder, batch: TokenBatch, steps: Collection[int], tokens: slice | None = None
) -> dict[int, Tensor]:
    """What attention reads in each of these steps, (T, W), or of some of the tokens only."""
    kept: dict[int, Tensor] = {}

    def keep(step: int, x_TW: Tensor) -> None:
        if step in steps:
            kept[step] = x_TW if tokens is None else x_TW[tokens].clone()  # a view would hold on to all tokens

    watched(encoder, "attention", keep)(batch)
    return kept


@torch.no_grad()
def rollout(encoder: Encoder, batch: TokenBatch, starts: list[Tensor]) -> list[Tensor]:
    """Attention rollout of each sequence of a batch (Abnar and Zuidema 2020, https://arxiv.org/abs/2005.00928).

    Each step's attention, averaged over heads, is mixed half and half with the token itself, which stands for the
    residual connection; the product over the steps says how much of each input token reaches each output token. It is
    multiplied from the last step to the first, so that a few rows cost O(L²) a step and one step's map is in memory.

    Args:
        starts: for each sequence the output tokens that are asked about, (R, L): rows that sum to 1. `torch.eye(L)`
            gives the whole matrix.

    Returns:
        For each sequence (R, L): the share of each input token; rows sum to 1.
    """
    steps = range(len(encoder.config.layer_of_step))
    inputs = attention_inputs(encoder, batch, steps)
    shares = []
    for sequence, share_RL in enumerate(starts):
        one, tokens = _one_sequence(batch, sequence)
        for step in reversed(steps):
            mean_LL = _mean_map(encoder, step, inputs[step][tokens], one)
            share_RL = 0.5 * share_RL + 0.5 * share_RL @ mean_LL
        shares.append(share_RL)
    return shares


def _one_sequence(batch: TokenBatch, sequence: int) -> tuple[TokenBatch, slice]:
    """One sequence as a batch of its own, and where its tokens are in the batch that it comes from."""
    tokens = batch.layout.tokens_of(sequence)
    alone = PackedLayout.of([tokens.stop - tokens.start], batch.ids_T.device)
    return TokenBatch(batch.ids_T[tokens], batch.segments_T[tokens], batch.positions_T[tokens], alone), tokens


def _map(encoder: Encoder, step: int, x_LW: Tensor, one: TokenBatch) -> Tensor:
    return torch.stack(list(_head_maps(encoder, step, x_LW, one)))


def _mean_map(encoder: Encoder, step: int, x_LW: Tensor, one: TokenBatch) -> Tensor:
    """The mean over heads, (L, L); one head's map is in memory at a time."""
    heads = _head_maps(encoder, step, x_LW, one)
    total_LL = next(heads)
    for map_LL in heads:
        total_LL += map_LL
    return total_LL / encoder.config.heads


def _head_maps(encoder: Encoder, step: int, x_LW: Tensor, one: TokenBatch) -> Iterator[Tensor]:
    """softmax(q kᵀ / √H + bias) of each head, (L, L) float32, as the definition reads."""
    config = encoder.config
    attention = encoder.layers[config.layer_of_step[step]].attention
    assert isinstance(attention, Attention)
    view = encoder.view(one, config.sight_of_step(step))
    q_LNH, k_LGH, _ = attention.project(x_LW, view)
    unseen_LL = _unseen(view, x_LW.device)
    for head in range(attention.heads):
        q_LH, k_LH = q_LNH[:, head].float(), k_LGH[:, head * attention.groups // attention.heads].float()
        scores_LL = q_LH @ k_LH.T / q_LH.shape[-1] ** 0.5
        if view.bias_NLL is not None:
            scores_LL = scores_LL + view.bias_NLL[head].float()
        if unseen_LL is not None:
            scores_LL = scores_LL.masked_fill(unseen_LL, float("-inf"))
        yield torch.softmax(scores_LL, dim=-1)


def _unseen(view: View, device: torch.device) -> Tensor | None:
    """The pairs that are too far apart to see each other; None where all are near enough."""
    if view.window is None:
        return None
    place = torch.arange(view.layout.max_length, device=device)
    return (place[:, None] - place[None, :]).abs() > view.window
