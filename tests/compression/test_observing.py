from __future__ import annotations

from pathlib import Path

import pytest
import torch

from bertkit.compression.candidate import parts_of
from bertkit.compression.observing import Recorder, looking
from bertkit.inference.model import load
from bertkit.pretrained.loading import open_pretrained
from tests.parity.bert_peer import Sizes, make_peer
from tests.parity.test_families import CASES, sequences_of
from tests.parity.test_families import make_peer as make_family


def test_what_layers_read_is_seen_while_they_answer(tmp_path: Path) -> None:
    make_peer(Sizes(segment_types=2), tmp_path)
    model = load(tmp_path, task="sentence-embedding", dtype="float32", batch_tokens=8)
    recorder = Recorder(model.network)
    _, parts = parts_of(open_pretrained(tmp_path))
    with looking(recorder.network, parts) as seen:
        load(tmp_path, task="sentence-embedding", backend=lambda *_: recorder, batch_tokens=8).predict(
            ["w1 w2", "paris is a city", "w3", "w4 w5 w6"]
        )
    assert set(seen) == {name for name in parts if name.startswith("layers.")}
    assert all((one.least_I <= one.most_I).all() for one in seen.values())
    assert len(recorder.batches) == len(recorder.outputs) > 1
    assert len(recorder.some(1)[0]) == 1
    assert len(recorder.some(10_000)[0]) == len(recorder.batches)
    before = {name: one.most_I.clone() for name, one in seen.items()}
    model.predict("w9 w10 w11 w12 w13")
    assert all(torch.equal(before[name], one.most_I) for name, one in seen.items()), "nobody looks any more"


@pytest.mark.parametrize("name", ["albert"])
def test_a_layer_that_is_applied_again_is_seen_each_time(name: str, tmp_path: Path) -> None:
    make_family(CASES[name], "ForMaskedLM", tmp_path)
    pretrained, batch = open_pretrained(tmp_path), sequences_of(CASES[name]).packed()
    network = load_network(pretrained)
    reads: list[torch.Tensor] = []
    network.encoder.layers[0].mlp.up.register_forward_pre_hook(lambda module, inputs: reads.append(inputs[0]))
    with looking(network, parts_of(pretrained)[1]) as seen, torch.inference_mode():
        network(batch)
    assert len(reads) == 3
    assert torch.equal(seen["layers.0.mlp.up.weight"].most_I, torch.cat(reads).amax(0))


def load_network(pretrained):  # type: ignore[no-untyped-def]
    from bertkit.config.readout import Readout
    from bertkit.model.network import Network

    return Network(pretrained.build_encoder(), None, Readout(rows="token"))
