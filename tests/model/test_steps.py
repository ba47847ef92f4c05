from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor

from bertkit.model.encoder import Encoder
from bertkit.model.steps import watched
from bertkit.pretrained.loading import open_pretrained
from tests.parity.test_families import ALBERT, make_peer, sequences_of


def albert(folder: Path) -> Encoder:
    make_peer(ALBERT, "Model", folder)
    return open_pretrained(folder).build_encoder().float()


def test_a_shared_layer_is_seen_once_a_step_and_its_input_can_be_changed(tmp_path: Path) -> None:
    encoder = albert(tmp_path)
    batch = sequences_of(ALBERT).packed()
    seen: list[int] = []

    def silence(step: int, x_TW: Tensor) -> Tensor | None:
        seen.append(step)
        return torch.zeros_like(x_TW) if step == 1 else None

    with torch.no_grad():
        before = encoder(batch)
        during = watched(encoder, "mlp", silence)(batch)
        assert seen == [0, 1, 2]
        assert not torch.allclose(before, during)
        assert torch.equal(encoder(batch), before)


@torch.no_grad()
def test_the_encoder_can_be_run_while_it_is_watched(tmp_path: Path) -> None:
    encoder = albert(tmp_path)
    batch = sequences_of(ALBERT).packed()
    before = encoder(batch)
    meanwhile: list[Tensor] = []

    def run(step: int, x_TW: Tensor) -> Tensor:
        meanwhile.append(encoder(batch))  # as another thread may
        return torch.zeros_like(x_TW)

    watched(encoder, "attention.output", run)(batch)
    assert len(meanwhile) == 3
    assert all(torch.equal(one, before) for one in meanwhile)
    assert not any(module._forward_pre_hooks or module._forward_hooks for module in encoder.modules())


@torch.no_grad()
def test_what_is_watched_shares_its_weights(tmp_path: Path) -> None:
    encoder = albert(tmp_path)
    other = watched(encoder, "attention", lambda step, x_TW: None)
    assert {id(one) for one in other.parameters()} == {id(one) for one in encoder.parameters()}
    batch = sequences_of(ALBERT).packed()
    assert torch.equal(other(batch), encoder(batch))
