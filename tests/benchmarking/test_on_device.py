from __future__ import annotations

import pytest
import torch

from bertkit.benchmarking.on_device import device_name, wait_for


def test_the_processor_has_no_name_and_is_never_ahead() -> None:
    assert device_name(torch.device("cpu")) is None
    wait_for(torch.device("cpu"))


@pytest.mark.parametrize(("kind", "name"), [("cuda", "NVIDIA H100"), ("mps", "mps")])
def test_a_gpu_is_waited_for(kind: str, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    waited: list[object] = []
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda device: "NVIDIA H100")
    monkeypatch.setattr(torch.cuda, "synchronize", waited.append)
    monkeypatch.setattr(torch.mps, "synchronize", lambda: waited.append("mps"))
    assert device_name(torch.device(kind)) == name
    wait_for(torch.device(kind))
    assert len(waited) == 1
