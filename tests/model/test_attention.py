from __future__ import annotations

import pytest
import torch
from torch import nn
from torch.nn import functional

from bertkit.batching.layout import PackedLayout
from bertkit.model.attention import Attention, View
from bertkit.model.positions import Rotation, rotate_reference

LENGTHS, HEADS, H = [5, 1, 7], 6, 4
W, T = HEADS * H, sum(LENGTHS)
LAYOUT = PackedLayout.of(LENGTHS)


def attention(groups: int, dropout: float = 0.0) -> Attention:
    torch.manual_seed(0)
    qkv, output = nn.Linear(W, (HEADS + 2 * groups) * H), nn.Linear(W, W)
    return Attention(qkv, output, heads=HEADS, groups=groups, dropout=dropout)


@pytest.mark.parametrize("groups", [6, 2, 1])
@torch.no_grad()
def test_it_is_torchs_with_as_many_heads_of_keys_as_groups(groups: int) -> None:
    ours, x_TW = attention(groups), torch.randn(T, W)
    q_TW, k_TK, v_TK = ours.qkv(x_TW).split([W, groups * H, groups * H], dim=1)
    rows = []
    for q, k, v in zip(*(x.split(LENGTHS) for x in (q_TW, k_TK, v_TK)), strict=True):
        q_NLH, k_GLH, v_GLH = (x.unflatten(1, (-1, H)).transpose(0, 1) for x in (q, k, v))
        out_NLH = functional.scaled_dot_product_attention(q_NLH[None], k_GLH[None], v_GLH[None], enable_gqa=True)[0]
        rows.append(out_NLH.transpose(0, 1).flatten(1))
    expected_TW = ours.output(torch.cat(rows))
    torch.testing.assert_close(ours(x_TW, View(LAYOUT)), expected_TW, atol=1e-5, rtol=1e-5)
    wanted_M = torch.tensor([7, 2])
    some_MW = ours(x_TW, View(LAYOUT, outputs_M=wanted_M))
    torch.testing.assert_close(some_MW, expected_TW[wanted_M], atol=1e-5, rtol=1e-5)


@torch.no_grad()
def test_queries_and_keys_are_turned_and_values_are_not() -> None:
    ours, x_TW = attention(groups=2), torch.randn(T, W)
    positions_T = torch.cat([torch.arange(length) for length in LENGTHS])
    plain = ours.project(x_TW, View(LAYOUT))
    turned = ours.project(x_TW, View(LAYOUT, rotation=Rotation(positions_T, H, 100.0)))
    for one, before in zip(turned[:2], plain[:2], strict=True):
        torch.testing.assert_close(one.double(), rotate_reference(before, positions_T, 100.0), atol=1e-5, rtol=1e-5)
    assert torch.equal(turned[2], plain[2])


@torch.no_grad()
def test_weights_are_dropped_in_training_only() -> None:
    ours, x_TW, view = attention(groups=6, dropout=0.5), torch.randn(T, W), View(LAYOUT)
    assert torch.equal(ours.eval()(x_TW, view), ours(x_TW, view))
    assert not torch.equal(ours.train()(x_TW, view), ours(x_TW, view))
