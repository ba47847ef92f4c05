from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

import bertkit
from bertkit.batching.packed import PackedBatch
from bertkit.batching.token_batch import TokenBatch
from bertkit.inference.torch_backend import TorchBackend, on_device
from bertkit.pretrained.loading import open_pretrained
from tests.parity.bert_peer import Sizes, make_peer


@pytest.mark.parametrize("task", ["sentence-embedding", "feature-extraction", "fill-mask", "next-sentence-prediction"])
def test_torch_keeps_what_every_readout_promises(tmp_path: Path, task: str) -> None:
    """Rows in order, as many as the readout counts, float32: what whoever writes a back end reads off this one."""
    make_peer(Sizes(), tmp_path / "model")
    model = bertkit.load(tmp_path / "model", task=task, dtype="float32")
    rows = [{"text": "paris [MASK] is", "text_pair": "[MASK] a"}, {"text": "[MASK] city", "text_pair": "is"}]
    requests = [model.answerer.pipeline.prepare(row) for row in map(_row, rows)]
    windows = [window for request in requests for window in request.windows]
    named = [model.task.named(window) for window in windows] if model.task.readout.rows == "mask" else None
    batch = PackedBatch.of([w.ids for w in windows], [w.segments for w in windows], named)
    outputs = model.answerer.engine.backend.run(batch)
    counts = [
        model.task.readout.count(len(window.ids), len(model.task.named(window)) if named else 0) for window in windows
    ]
    for part in outputs:
        assert part.dtype == np.float32
        assert len(part) == sum(counts)
    together = model.answerer.engine.run(windows)
    assert [len(one[0]) for one in together] == counts


def _row(fields: dict[str, str]) -> object:
    from bertkit.formats.rows import Row

    return Row(fields, "here")


def test_a_weight_that_is_not_finite_is_to_blame(tmp_path: Path) -> None:
    make_peer(Sizes(), tmp_path)
    source = open_pretrained(tmp_path)
    task = source.build_task("next-sentence-prediction", source.load_tokenizer())
    backend = TorchBackend(source.build_network(task))
    assert backend.blame() == "though all weights are"
    assert backend.network.head is not None
    backend.network.head.classifier.bias.data[1] = torch.nan  # type: ignore[union-attr, operator]
    assert backend.blame() == "for the weight head.classifier.bias is not"
    backend.network.encoder.layers[1].mlp.up.bias.data[3] = torch.inf
    assert backend.blame() == "for the weight encoder.layers.1.mlp.up.bias is not"


def test_it_says_what_it_computes_in_unless_it_was_told(tmp_path: Path) -> None:
    make_peer(Sizes(), tmp_path)
    source = open_pretrained(tmp_path)
    network = source.build_network(source.build_task("sentence-embedding", source.load_tokenizer())).bfloat16()
    assert (TorchBackend(network).dtype, TorchBackend(network, "float16").dtype) == ("bfloat16", "float16")
    (sums_BW,) = TorchBackend(network).run(PackedBatch.of([[2, 5, 3], [2, 3]], [[0] * 3, [0] * 2]))
    assert (sums_BW.dtype, sums_BW.shape) == (np.float32, (2, 33))


def test_a_packed_batch_is_the_same_in_tensors() -> None:
    batch = PackedBatch.of([[2, 5, 3], [2, 3]], [[0, 0, 1], [0, 1]])
    tokens = on_device(batch, "cpu")
    expected = TokenBatch.pack([[2, 5, 3], [2, 3]], [[0, 0, 1], [0, 1]])
    for name in ("ids_T", "segments_T", "positions_T"):
        assert torch.equal(getattr(tokens, name), getattr(expected, name))
    assert tokens.layout.lengths == expected.layout.lengths
