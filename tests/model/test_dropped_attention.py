from __future__ import annotations

from collections.abc import Iterator

import pytest
import torch
from torch import Tensor

from bertkit.batching.layout import PackedLayout
from bertkit.config import kernels
from bertkit.model import attend
from bertkit.model import dropped_attention as dropped_attention_file
from bertkit.model.dropout import kept
from bertkit.model.dropped_attention import divide, dropped_attention
from tests.model.products import Products

LAYOUTS = {"one": (1,), "equal": (7,) * 13, "mixed": (23, 16, 16, 5, 2, 2, 1), "unsorted": (5, 23, 5)}


def general(q: Tensor, k: Tensor, v: Tensor, layout: PackedLayout, multipliers: Iterator[Tensor]) -> Tensor:
    """The slow twin: a sequence at a time, given what each of its weights is multiplied by."""
    outputs, start = [], 0
    for length in layout.lengths:
        rows = slice(start, start + length)
        one_q, one_k, one_v = (x[rows].transpose(0, 1) for x in (q, k, v))
        weights = torch.softmax(one_q @ one_k.mT / q.shape[-1] ** 0.5, -1)
        outputs.append((weights * next(multipliers)) @ one_v)
        start += length
    return torch.cat(outputs, dim=1).transpose(0, 1)


def by_sequence(layout: PackedLayout, heads: int, p: float) -> Iterator[Tensor]:
    """What attention by hand draws for each sequence's weights, (heads, length, length)."""
    blocks = divide(layout.lengths, heads).each
    sizes = [block.count * heads * block.length**2 for block in blocks]
    lengths = iter(layout.lengths)
    for block, drawn in zip(blocks, kept((sum(sizes),), p, torch.float64).split(sizes), strict=True):
        for one in drawn.view(block.count, heads, block.length, block.length):
            length = next(lengths)
            yield one[:, :length, :length]


@pytest.mark.parametrize("small", [0, 300, 10**6], ids=["never padded", "some together", "all together"])
@pytest.mark.parametrize("lengths", LAYOUTS.values(), ids=LAYOUTS)
def test_attention_by_hand_agrees_with_autograd(
    lengths: tuple[int, ...], small: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dropped_attention_file, "SMALL", small)
    divide.cache_clear()
    layout = PackedLayout.of(lengths)
    assert (len(divide(lengths, 3).each) == 1) == (small == 10**6 or len(set(lengths)) == 1)
    qkv = torch.randn(sum(lengths), 9, 11, dtype=torch.float64, requires_grad=True)
    weights = torch.randn(sum(lengths), 3, 11, dtype=torch.float64)

    def output_and_gradient(out: Tensor) -> tuple[Tensor, Tensor]:
        return out, torch.autograd.grad((out * weights).sum(), qkv)[0]

    torch.manual_seed(7)
    fast = output_and_gradient(dropped_attention(*qkv.split(3, dim=1), layout, 0.3))
    torch.manual_seed(7)
    slow = output_and_gradient(general(*qkv.split(3, dim=1), layout, by_sequence(layout, 3, 0.3)))
    divide.cache_clear()
    for ours, theirs in zip(fast, slow, strict=True):
        assert (ours - theirs).abs().max() < 1e-12


@pytest.mark.parametrize(
    ("short", "precisions"),
    [(0, {torch.bfloat16}), (16, {torch.bfloat16, torch.float32}), (64, {torch.float32})],
    ids=["none short", "some short", "all short"],
)
def test_attention_by_hand_in_half_precision(
    short: int, precisions: set[torch.dtype], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kernels, "SHORT", short)
    monkeypatch.setattr(dropped_attention_file, "SMALL", 300)
    divide.cache_clear()
    layout = PackedLayout.of((23, 16, 16, 5, 4))
    qkv = torch.randn(64, 9, 16).bfloat16()

    def output_and_gradient(dtype: torch.dtype) -> tuple[Tensor, Tensor]:
        torch.manual_seed(7)
        given = qkv.to(dtype).requires_grad_()
        with torch.autocast("cpu", torch.bfloat16, enabled=dtype == torch.bfloat16):
            out = dropped_attention(*given.split(3, dim=1), layout, 0.25)
        return out, torch.autograd.grad(out.double().square().sum(), given)[0]

    with Products() as products:
        ours = output_and_gradient(torch.bfloat16)
    assert products.precisions == precisions
    for our, their in zip(ours, output_and_gradient(torch.float64), strict=True):
        assert our.dtype == torch.bfloat16
        assert (our - their).norm() < 0.01 * their.norm()
    divide.cache_clear()


def test_it_is_what_training_goes_through(monkeypatch: pytest.MonkeyPatch) -> None:
    ways: list[float] = []

    def noted(q: Tensor, k: Tensor, v: Tensor, layout: PackedLayout, dropout: float) -> Tensor:
        ways.append(dropout)
        return dropped_attention(q, k, v, layout, dropout)

    monkeypatch.setattr(attend, "dropped_attention", noted)
    q, k, v = torch.randn(7, 9, 4).split(3, dim=1)
    attend.attend(q, k, v, PackedLayout.of((3, 4)))
    attend.attend(q, k, v, PackedLayout.of((3, 4)), dropout=0.1)
    assert ways == [0.1]
