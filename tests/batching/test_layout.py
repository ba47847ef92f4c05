from __future__ import annotations

from typing import get_args

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from bertkit.batching.layout import EqualLengths, Layout, PackedLayout, PaddedLayout, Reduction

LENGTHS = (4, 4, 2, 4, 1, 1, 1)
HOW = get_args(Reduction)


def padded(lengths: tuple[int, ...], longest: int | None = None) -> PaddedLayout:
    return PaddedLayout.of(torch.arange(longest or max(lengths)) < torch.tensor(lengths)[:, None])


def rows_of(packed_T: Tensor, lengths: tuple[int, ...], longest: int) -> Tensor:
    """Packed tokens as they stand in padded rows, NaN between them."""
    rows = packed_T.new_full((len(lengths), longest, *packed_T.shape[1:]), torch.nan)
    for row, part in zip(rows, packed_T.split(lengths), strict=True):
        row[: len(part)] = part
    return rows.flatten(0, 1)


def test_runs_are_neighbours_of_equal_length() -> None:
    runs = list(PackedLayout.of(LENGTHS).runs())
    assert runs == [EqualLengths(0, 2, 4), EqualLengths(8, 1, 2), EqualLengths(10, 1, 4), EqualLengths(14, 3, 1)]
    assert runs[-1].tokens == slice(14, 17)


def test_where_the_sequences_are() -> None:
    packed, rows = PackedLayout.of((3, 1, 2)), padded((3, 1, 2), 5)
    for layout, starts in ((packed, (0, 3, 4)), (rows, (0, 5, 10))):
        assert layout.lengths == (3, 1, 2)
        assert layout.lengths_B.tolist() == [3, 1, 2]
        assert layout.starts == starts
        assert layout.first_B.tolist() == list(starts)
        assert [layout.tokens_of(one) for one in range(3)] == [
            slice(start, start + length) for start, length in zip(starts, (3, 1, 2), strict=True)
        ]
    assert (packed.max_length, rows.max_length) == (3, 5)
    assert repr(packed) == "PackedLayout(3 sequences, 6 tokens, the longest 3)"
    assert repr(rows) == "PaddedLayout(3 sequences, 6 tokens, the longest 3)"


def test_a_mask_of_any_type() -> None:
    for mask_BL in (torch.tensor([[1, 1, 0]]), torch.tensor([[True, True, False]]), torch.tensor([[1.0, 1.0, 0.0]])):
        assert PaddedLayout.of(mask_BL).lengths == (2,)


def test_a_row_without_a_token_has_numbers_all_the_same() -> None:
    layout = PaddedLayout.of(torch.tensor([[0, 0, 0], [1, 1, 0]]))
    for how in HOW:
        assert torch.isfinite(layout.reduce(torch.randn(6, 2), how)).all()


@pytest.mark.parametrize("layout", [PackedLayout.of(LENGTHS), padded(LENGTHS)], ids=["packed", "padded"])
def test_what_is_on_the_device_is_moved(layout: Layout) -> None:
    moved: list[Tensor] = []

    def move(tensor: Tensor) -> Tensor:
        moved.append(tensor)
        return tensor.clone()

    other = layout.moved(move)
    assert type(other) is type(layout)
    assert other.lengths == layout.lengths
    assert len(moved) == 1


def test_more_sequences_fill_a_packed_batch_and_no_padded_one() -> None:
    packed, rows = PackedLayout.of((3, 1)), padded((3, 1))
    assert packed.filled(lambda tokens: 12).lengths == (3, 1, 3, 3, 2)
    assert packed.filled(lambda tokens: tokens) is packed
    assert rows.filled(lambda tokens: tokens + 7) is rows


@pytest.mark.parametrize("how", HOW)
@given(st.lists(st.integers(1, 9), min_size=1, max_size=6), st.integers(0, 4), st.integers(0, 11), st.booleans())
@settings(max_examples=30, deadline=None)
def test_one_row_of_each_sequence(how: Reduction, lengths: list[int], wider: int, skip: int, wide: bool) -> None:
    """Both kinds against the definition; the padded one reads no padding, NaN as it is here."""
    x_T = torch.randn(sum(lengths), *([3, 2] if wide else []), generator=torch.Generator().manual_seed(0))
    expected = []
    for part in x_T.double().split(lengths):
        skipped = min(skip, len(part) - 1)
        place = torch.arange(1, len(part) + 1).view(-1, *[1] * (x_T.ndim - 1))[skipped:]
        kept = part[skipped:]
        found = {"first": kept[0], "last": kept[-1], "max": kept.amax(0), "sum": kept.sum(0)}
        expected.append(found[how] if how in found else (kept * place).sum(0))
    longest, sizes = max(lengths) + wider, tuple(lengths)
    rows = rows_of(x_T, sizes, longest)
    for layout, values in ((PackedLayout.of(sizes), x_T), (padded(sizes, longest), rows)):
        found_B = layout.reduce(values, how, skip)
        assert found_B.dtype == torch.float32
        assert (found_B - torch.stack(expected)).abs().max() < 1e-5
        assert layout.reduce(values.bfloat16(), how, skip).dtype == torch.float32
