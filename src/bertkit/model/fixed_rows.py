"""Products of one number of rows only, so that no bit of a row depends on how many rows are beside it.

A matrix library chooses by the number of rows in which order it sums, so that a text among others may differ in its
last bits from the text alone. Where that must not be, every product is of `ROWS` rows: more are computed in turn, fewer
are filled up with the last one again. Whole numbers have no order: products of int8 stay as they are. And torch
computes functions of single numbers, such as a GELU, many at once, but the last few of a thread's share one by one and
otherwise: they are given so many that there are no last few. The slow twin is everything at once, which agrees but for
the last bits.

Shapes: `R` rows, `I` inputs, `O` outputs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

import torch
from torch import Tensor, nn
from torch.nn import functional

ROWS = 64
SHARE = 32_768  # numbers of a thread: torch gives none less, and this is a multiple of what it computes at once
_fixed = ContextVar("_fixed", default=False)


@contextmanager
def fixed_rows(fixed: bool = True) -> Iterator[None]:
    """Inside, this thread computes products of `ROWS` rows only."""
    token = _fixed.set(fixed)
    try:
        yield
    finally:
        _fixed.reset(token)


def rows_are_fixed() -> bool:
    """Whether this thread computes products of `ROWS` rows only. Programs that are compiled or exported never do."""
    return not torch.compiler.is_compiling() and _fixed.get()


def by_rows(product: Callable[[Tensor], Tensor], x_RI: Tensor) -> Tensor:
    """`product(x_RI)`, (R, O), whose rows do not depend on one another."""
    if not rows_are_fixed() or not len(x_RI):
        return product(x_RI)
    blocks = [product(_filled(block_RI))[: len(block_RI)] for block_RI in x_RI.split(ROWS)]  # type: ignore[no-untyped-call]
    return blocks[0] if len(blocks) == 1 else torch.cat(blocks)


def linear(x_RI: Tensor, weight_OI: Tensor, bias_O: Tensor | None) -> Tensor:
    """`x Wᵀ + b`, (R, O)."""
    return by_rows(lambda block_RI: functional.linear(block_RI, weight_OI, bias_O), x_RI)


def by_numbers(function: Callable[[Tensor], Tensor]) -> Callable[[Tensor], Tensor]:
    """A function of single numbers that gives a number the same bits wherever it stands in its tensor."""

    def run(x: Tensor) -> Tensor:
        if not rows_are_fixed():
            return function(x)
        flat = x.flatten()
        block = SHARE * torch.get_num_threads()
        filled = functional.pad(flat, (0, -len(flat) % block))
        return torch.cat([function(part) for part in filled.split(block)])[: len(flat)].view(x.shape)  # type: ignore[no-untyped-call]

    return run


def unfixed(module: nn.Module) -> str | None:
    """The name of a layer whose products are of any number of rows, for it is torch's own; None where there is none."""
    return next((name for name, part in module.named_modules() if type(part) is nn.Linear), None)


def _filled(block_RI: Tensor) -> Tensor:
    spare = ROWS - len(block_RI)
    return torch.cat([block_RI, block_RI[-1:].expand(spare, -1)]) if spare else block_RI
