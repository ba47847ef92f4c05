from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from bertkit.exports.padded_network import PaddedNetwork
from bertkit.exports.torch_program import write_program
from bertkit.inference.graph_backend import GraphUse
from bertkit.inference.program_backend import ProgramBackend
from bertkit.inference.torch_backend import TorchBackend
from tests.inference.test_graph_backend import NETWORKS, batch_of


@pytest.mark.export
def test_the_program_computes_other_sizes_than_it_was_traced_with(tmp_path: Path) -> None:
    one = NETWORKS["spans"]()
    program = PaddedNetwork(one.requires_grad_(False), None).eval()
    path = tmp_path / "torch/model.pt2"
    write_program(program, path)
    use = GraphUse(one.readout, max_length=21, pad=0, words=31, width=12)
    backend = ProgramBackend(path, use, program.signature.inputs, program.signature.outputs)
    batch = batch_of(named=False)
    np.testing.assert_allclose(backend.run(batch)[0], TorchBackend(one).run(batch)[0], atol=2e-5)
