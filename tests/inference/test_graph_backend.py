"""Whatever a task reads of a network, a graph over padded rows gives as the network itself does over packed ones."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import get_args

import numpy as np
import pytest
import torch
from torch import nn

from bertkit.batching.packed import Ids, PackedBatch
from bertkit.config.encoder import EncoderConfig, LearnedPositions
from bertkit.config.pooling import Pooling
from bertkit.config.readout import Final, Readout
from bertkit.errors import BadCheckpoint, MissingHead
from bertkit.exports.padded_network import PaddedNetwork
from bertkit.families.catalogue import FAMILIES
from bertkit.inference.graph_backend import GraphBackend, GraphUse
from bertkit.inference.torch_backend import TorchBackend
from bertkit.model.build import build_encoder
from bertkit.model.heads import new_head
from bertkit.model.network import Network
from bertkit.model.vector_steps import TOKENS, Dense, RecipeHead, Step, VectorRecipe
from bertkit.tasks.contract import Array
from tests.parity.test_padded import fill

CONFIG = EncoderConfig(
    vocab_size=31,
    width=12,
    layer_of_step=(0, 1),
    heads=3,
    ffn_width=7,
    positions=LearnedPositions(length=21),
    segment_types=2,
)
LENGTHS = [5, 1, 21, 9, 2]


class Rows(GraphBackend):
    """Computes the padded network with torch, and notes the sizes of what it is given."""

    dtype, device = "float32", "cpu"

    def __init__(self, program: PaddedNetwork, *, max_length: int = 21) -> None:
        use = GraphUse(program.network.readout, max_length, pad=0, words=31, width=12)
        super().__init__(Path("graph"), use, program.signature.inputs, program.signature.outputs)
        self.program = program
        self.sizes: list[tuple[int, ...]] = []

    @torch.inference_mode()
    def compute(self, inputs: Mapping[str, Ids], outputs: Sequence[str]) -> list[Array]:
        self.sizes.append(next(iter(inputs.values())).shape)
        found = self.program(*(torch.from_numpy(inputs[name]) for name in self.program.signature.inputs))
        named = dict(zip(self.program.signature.outputs, found, strict=True))
        return [named[name].numpy() for name in outputs]


def network(head: nn.Module | None, readout: Readout) -> Network:
    return Network(fill(build_encoder(CONFIG)), head, readout).eval()


def family_head(name: str, classes: int) -> nn.Module:
    head = fill(new_head(name, FAMILIES["bert"].heads[name], CONFIG, classes))
    assert isinstance(head, nn.Module)
    return head


def recipe(poolings: tuple[Pooling, ...], skip: int = 0, *, changes_tokens: bool = False) -> Network:
    dense = Dense(torch.randn(5, 12, generator=torch.Generator().manual_seed(1)), None, "tanh")
    before = (Step(TOKENS, TOKENS, dense),) if changes_tokens else ()
    readout = Readout("sequence", pooling=poolings, skip=skip)
    return network(RecipeHead(VectorRecipe(poolings, before, (), skip)), readout)


NETWORKS = {
    "labels": lambda: network(family_head("text-classification", 3), Readout("sequence", "text-classification", 3)),
    "tags": lambda: network(family_head("token-classification", 4), Readout("token", "token-classification", 4)),
    "spans": lambda: network(family_head("question-answering", 2), Readout("token", "question-answering", 2)),
    "vectors": lambda: network(None, Readout("token")),
    "masks": lambda: network(family_head("masked-lm", 0), Readout("mask", "masked-lm")),
    "likeliest": lambda: network(family_head("masked-lm", 0), Readout("mask", "masked-lm", top_k=4)),
    "chosen": lambda: network(family_head("masked-lm", 0), Readout("mask", "masked-lm", top_k=2, chosen=(7, 3, 9))),
    "tokens changed": lambda: recipe(("mean", "max"), changes_tokens=True),
    **{
        f"{one}, {skip}": lambda one=one, skip=skip: recipe((one,), skip)
        for one in get_args(Pooling)
        for skip in (0, 3)
    },
}


def batch_of(named: bool) -> PackedBatch:
    random = np.random.default_rng(0)
    ids = [random.integers(1, 31, length).tolist() for length in LENGTHS]
    segments = [[0] * (length // 2) + [1] * (length - length // 2) for length in LENGTHS]
    places = [[], [0], [3, 20], [8], [0, 1]]
    return PackedBatch.of(ids, segments, places if named else None)


@pytest.mark.parametrize("name", NETWORKS)
def test_every_readout(name: str) -> None:
    one = NETWORKS[name]()
    final = Final("identity") if one.readout.pooling else None
    batch = batch_of(one.readout.rows == "mask")
    expected, found = TorchBackend(one).run(batch), Rows(PaddedNetwork(one, final)).run(batch)
    assert len(found) == len(expected)
    for right, other in zip(expected, found, strict=True):
        assert other.dtype == np.float32
        assert other.shape == right.shape
        np.testing.assert_allclose(other, right, rtol=1e-5, atol=2e-5)


def test_rows_are_filled_up_to_a_multiple_but_never_beyond_the_models_positions() -> None:
    backend = Rows(PaddedNetwork(NETWORKS["vectors"](), None))
    for lengths in ([3, 1], [8], [9], [20]):
        backend.run(PackedBatch.of([[1] * length for length in lengths], [[0] * length for length in lengths]))
    assert backend.sizes == [(2, 8), (1, 8), (1, 16), (1, 21)]


def test_a_vocabulary_for_every_token_is_computed_in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bertkit.inference.graph_backend.MOST_NUMBERS", 31 * 21 * 2)
    one = NETWORKS["masks"]()
    backend, batch = Rows(PaddedNetwork(one, None)), batch_of(named=True)
    np.testing.assert_allclose(backend.run(batch)[0], TorchBackend(one).run(batch)[0], atol=2e-5)
    assert [rows for rows, _ in backend.sizes] == [2, 2, 1]


def test_a_graph_that_takes_something_else_is_refused() -> None:
    use = GraphUse(Readout("token"), 21, 0, 31, 12)
    backend = Rows(PaddedNetwork(NETWORKS["vectors"](), None))
    with pytest.raises(BadCheckpoint, match="graph: takes 'position_ids', which bertkit does not give"):
        GraphBackend.__init__(backend, Path("graph"), use, ["input_ids", "position_ids"], ["last_hidden_state"])


def test_a_graph_for_another_task_is_refused() -> None:
    program = PaddedNetwork(NETWORKS["vectors"](), None)
    use = GraphUse(Readout("sequence", "text-classification", 3), 21, 0, 31, 12)
    with pytest.raises(MissingHead, match="graph: gives last_hidden_state, not logits"):
        GraphBackend.__init__(Rows(program), Path("graph"), use, ["input_ids"], program.signature.outputs)
