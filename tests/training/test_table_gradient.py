"""The gradient of token tables by the rows that were read, against torch's dense one."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from bertkit.training.table_gradient import TableGradient


def gradient(table: nn.Parameter, ids: list[int], factor: float, *, sparse: bool) -> Tensor:
    table.grad = None
    (functional.embedding(torch.tensor(ids), table, sparse=sparse) * factor).sin().sum().backward()  # type: ignore[no-untyped-call]
    assert table.grad is not None
    assert table.grad.is_sparse == sparse
    return table.grad


def test_sums_are_those_of_dense_gradients_step_after_step() -> None:
    table = nn.Parameter(torch.randn(99, 7, generator=torch.Generator().manual_seed(1)))
    rows = TableGradient()
    assert rows.end() is None
    for first, second in (([3, 3, 98], [5, 3]), ([0], [97, 0, 0]), ([5], [5])):
        dense = gradient(table, first, 2.0, sparse=False) + gradient(table, second, 0.5, sparse=False)
        rows.add(gradient(table, first, 2.0, sparse=True))
        rows.add(gradient(table, second, 0.5, sparse=True))
        summed = rows.end()
        assert summed is not None
        torch.testing.assert_close(summed, dense)
        assert rows.end() is None
        summed *= 0.5  # as a limit to the gradient does


def test_half_precision_is_summed_in_float32() -> None:
    table = nn.Parameter(torch.ones(9, 3, dtype=torch.bfloat16))
    rows = TableGradient()
    for _ in range(3):
        rows.add(gradient(table, [1, 1], 1.0, sparse=True))
    summed = rows.end()
    assert summed is not None
    assert summed.dtype == torch.float32
    assert summed.count_nonzero(dim=1).tolist() == [0, 3] + [0] * 7
