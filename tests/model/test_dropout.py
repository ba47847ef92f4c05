from __future__ import annotations

from collections.abc import Iterator

import pytest
import torch
from torch import Tensor

from bertkit.batching.layout import PackedLayout
from bertkit.config import kernels
from bertkit.model import attend
from bertkit.model import dropped_attention as dropped_attention_file
from bertkit.model.dropout import Dropout, kept
from bertkit.model.dropped_attention import divide, dropped_attention
from tests.model.products import Products

LAYOUTS = {"one": (1,), "equal": (7,) * 13, "mixed": (23, 16, 16, 5, 2, 2, 1), "unsorted": (5, 23, 5)}


@pytest.mark.parametrize("p", [0.1, 0.5, 0.003])
def test_as_many_are_dropped_as_asked_for_and_the_mean_is_kept(p: float) -> None:
    torch.manual_seed(0)
    count = 3_000_001
    multipliers = kept((count,), p, torch.float64)
    assert len(multipliers.unique()) == 2
    dropped = (multipliers == 0).double()
    error = 4 * (p * (1 - p) / count) ** 0.5
    assert abs(dropped.mean() - p) < error + 0.5 / 2**16  # to the nearest of 65,536 steps
    assert abs(multipliers.mean() - 1.0) < error / (1 - p)
    for step in (1, 2, 3, 4):  # the four entries of one draw do not know one another
        together = (dropped[step:] * dropped[:-step]).mean()
        assert abs(together - dropped.mean() ** 2) < 4 * (p**2 / count) ** 0.5


@pytest.mark.parametrize("p", [0.0, 0.1 / 2**16, 1.0 / 2**16, 0.25, 1.0 - 2.0 / 2**16, 1.0])
@pytest.mark.parametrize("dtype", [torch.float64, torch.float32, torch.bfloat16, torch.float16], ids=str)
def test_an_entry_is_kept_by_its_sixteen_bits(p: float, dtype: torch.dtype) -> None:
    torch.manual_seed(0)
    drawn = torch.empty(1 + 99_999 // 4, dtype=torch.int64).random_(-(2**63), None).view(torch.int16)[:99_999]
    dropped = round(p * 2**16)
    scale = 2**16 / (2**16 - dropped) if dropped < 2**16 else 0.0
    torch.manual_seed(0)
    expected = torch.tensor(scale, dtype=dtype) * (drawn.int() + 2**15 >= dropped).to(dtype)
    assert torch.equal(kept((99_999,), p, dtype), expected)


def test_by_the_generators_state() -> None:
    def drawn(seed: int) -> Tensor:
        torch.manual_seed(seed)
        return kept((3, 5, 7), 0.5, torch.float32)

    assert torch.equal(drawn(1), drawn(1))
    assert not torch.equal(drawn(1), drawn(2))


@pytest.mark.parametrize("p", [0.0, 0.5, 1.0])
def test_the_module(p: float) -> None:
    dropout = Dropout(p)
    x = torch.randn(13, 7, requires_grad=True)
    assert dropout.eval()(x) is x
    torch.manual_seed(3)
    y = dropout.train()(x)
    if p == 0.0:
        assert y is x
        return
    torch.manual_seed(3)
    multipliers = kept(x.shape, p, x.dtype)
    assert torch.equal(y, x * multipliers)
    (gradient,) = torch.autograd.grad(y.sum(), x)
    assert torch.equal(gradient, multipliers)
    assert (p == 1.0) == (not y.any())


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
