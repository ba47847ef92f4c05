from __future__ import annotations

from typing import get_args

import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from bertkit.batching.layout import PackedLayout
from bertkit.config.pooling import Pooling
from bertkit.model.pooling import highest_within, log_softmax_within, mean_tokens, pool_tokens

LENGTHS = st.lists(st.integers(1, 7), min_size=1, max_size=9)


def pooled(hidden_LW: Tensor, pooling: Pooling) -> Tensor:
    """The slow twin: one text, as sentence-transformers describes each pooling."""
    place_L1 = torch.arange(1.0, 1 + len(hidden_LW))[:, None]
    return {
        "mean": hidden_LW.mean(0),
        "cls": hidden_LW[0],
        "max": hidden_LW.amax(0),
        "mean_sqrt_len_tokens": hidden_LW.sum(0) / len(hidden_LW) ** 0.5,
        "weightedmean": (hidden_LW * place_L1).sum(0) / place_L1.sum(),
        "lasttoken": hidden_LW[-1],
    }[pooling]


@given(LENGTHS)
def test_poolings_stand_side_by_side(lengths: list[int]) -> None:
    hidden_TW = torch.randn(sum(lengths), 5)
    poolings: tuple[Pooling, ...] = get_args(Pooling)
    expected = [torch.cat([pooled(part, one) for one in poolings]) for part in hidden_TW.split(lengths)]
    torch.testing.assert_close(pool_tokens(hidden_TW, PackedLayout.of(lengths), poolings), torch.stack(expected))


def test_what_is_skipped_leaves_the_last_token() -> None:
    hidden_TW = torch.arange(6.0)[:, None]
    pooled_BW = pool_tokens(hidden_TW, PackedLayout.of([4, 2]), ("mean", "cls", "weightedmean", "lasttoken"), skip=2)
    expected = [[2.5, 2.0, (2 * 3 + 3 * 4) / 7, 3.0], [5.0, 5.0, 5.0, 5.0]]
    torch.testing.assert_close(pooled_BW, torch.tensor(expected))


def test_a_mean_is_summed_in_float32_and_given_as_what_it_is_of() -> None:
    hidden_TW = torch.ones(1000, 2).bfloat16()  # in bfloat16 the sum would stop at 256
    mean_BW = mean_tokens(hidden_TW, PackedLayout.of([1000]))
    assert mean_BW.dtype == torch.bfloat16
    assert mean_BW.tolist() == [[1.0, 1.0]]


@given(LENGTHS)
def test_a_softmax_of_each_group_is_that_of_the_group_alone(counts: list[int]) -> None:
    logits_R2 = 100 * torch.randn(sum(counts), 2, dtype=torch.float32)
    groups = logits_R2.split(counts)
    found = log_softmax_within(logits_R2, torch.tensor(counts))
    torch.testing.assert_close(found, torch.cat([group.log_softmax(0) for group in groups]))
    highest = highest_within(logits_R2, torch.tensor(counts))
    assert torch.equal(highest, torch.stack([group.amax(0) for group in groups]))


def test_the_gradient_of_a_softmax_within_groups_is_that_of_torch() -> None:
    logits_R, weights_R = torch.randn(6, requires_grad=True), torch.randn(6)
    groups = torch.cat([part.log_softmax(0) for part in logits_R.split([1, 3, 2])])
    ours = log_softmax_within(logits_R, torch.tensor([1, 3, 2]))
    gradients = [torch.autograd.grad((one * weights_R).sum(), logits_R)[0] for one in (ours, groups)]
    torch.testing.assert_close(*gradients)
