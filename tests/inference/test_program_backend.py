from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from bertkit.batching.packed import PackedBatch
from bertkit.config.readout import Readout
from bertkit.inference.graph_backend import GraphUse
from bertkit.inference.program_backend import ProgramBackend


class Twice(nn.Module):
    def forward(self, ids_BL: Tensor, mask_BL: Tensor) -> list[Tensor]:
        return [torch.stack((2.0 * ids_BL, 3.0 * ids_BL), dim=-1)]


def test_it_computes_what_the_program_says(tmp_path: Path) -> None:
    example = tuple(torch.ones(2, 8, dtype=torch.long) for _ in range(2))
    any_size = {0: torch.export.Dim.DYNAMIC, 1: torch.export.Dim.DYNAMIC}
    program = torch.export.export(Twice(), example, dynamic_shapes=(any_size, any_size))
    torch.export.save(program, tmp_path / "model.pt2")
    use = GraphUse(Readout("token"), max_length=32, pad=0, words=5, width=2)
    inputs, outputs = ("input_ids", "attention_mask"), ("last_hidden_state",)
    backend = ProgramBackend(tmp_path / "model.pt2", use, inputs, outputs)
    (found,) = backend.run(PackedBatch.of([[1, 2, 3], [4]], [[0, 0, 0], [0]]))
    np.testing.assert_array_equal(found, [[2, 3], [4, 6], [6, 9], [8, 12]])
