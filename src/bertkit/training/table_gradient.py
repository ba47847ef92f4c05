"""The gradient of a table of which a step reads few rows, on a CPU.

torch makes a matrix of zeros as large as the table for it, anew each step: for 30,522 pieces and short sentences a fair
part of a step is spent on getting and clearing that memory. Here a look-up gives the rows that it read (torch's sparse
gradient), and they are added to a matrix that is kept, of which only the rows of the step before are cleared. The slow
twin is the dense gradient.
"""

from __future__ import annotations

import torch
from torch import Tensor


class TableGradient:
    """Sums sparse gradients to a dense one.

    What it gives is its own memory, until `add` is next called; whoever has it may change the rows that are not zero.
    """

    def __init__(self) -> None:
        self._sum: Tensor | None = None
        self._rows: list[Tensor] = []
        self._ended = False

    @torch.no_grad()
    def add(self, gradient: Tensor) -> None:
        """Another one, in any precision; the first after `end` begins a new sum."""
        if self._sum is None:
            self._sum = torch.zeros(gradient.shape, dtype=torch.float32)
        if self._ended:
            self._sum[torch.cat(self._rows)] = 0.0
            self._rows, self._ended = [], False
        self._rows.append(gradient._indices()[0])
        self._sum.add_(gradient.float())

    def end(self) -> Tensor | None:
        """The sum since the last `end`, float32; None where there was nothing to add."""
        if self._sum is None or self._ended:
            return None
        self._ended = True
        return self._sum
