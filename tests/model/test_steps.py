from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor

from bertkit.model.steps import before_each_step
from bertkit.pretrained.loading import open_pretrained
from tests.parity.test_families import ALBERT, make_peer, sequences_of


def test_a_shared_layer_is_seen_once_a_step_and_its_input_can_be_changed(tmp_path: Path) -> None:
    make_peer(ALBERT, "Model", tmp_path)
    encoder = open_pretrained(tmp_path).build_encoder().float()
    batch = sequences_of(ALBERT).packed()
    seen: list[int] = []

    def silence(step: int, x_TW: Tensor) -> Tensor | None:
        seen.append(step)
        return torch.zeros_like(x_TW) if step == 1 else None

    with torch.no_grad():
        before = encoder(batch)
        with before_each_step(encoder, lambda layer: layer.mlp, silence):
            during = encoder(batch)
        assert seen == [0, 1, 2]
        assert not torch.allclose(before, during)
        assert torch.equal(encoder(batch), before)
