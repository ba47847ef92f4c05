from __future__ import annotations

from pathlib import Path

import pytest
import torch

from bertkit.runs import hardware
from bertkit.training.ranks import Ranks


def ranks(device: str, count: int = 1) -> Ranks:
    return Ranks(0, count, torch.device(device), None)


def driver(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, script: str) -> None:
    """A stand-in for the driver's tool."""
    tool = tmp_path / "nvidia-smi"
    tool.write_text(f"#!/bin/sh\n{script}\n")
    tool.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")


def test_a_processor(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(hardware, "CPUS", tmp_path / "cpuinfo")
    assert hardware.hardware_in_words(ranks("cpu")).startswith("1 process on cpu: ")
    (tmp_path / "cpuinfo").write_text("processor\t: 0\nmodel name\t: A  Processor @ 2GHz\n")
    assert hardware.hardware_in_words(ranks("cpu", 2)).startswith("2 processes on cpu: A  Processor @ 2GHz, ")
    monkeypatch.setattr(torch, "get_num_threads", lambda: 4)
    said = hardware.energy_in_words(ranks("cpu", 2), 1800)
    assert said.startswith("Energy: not measured; about 40 Wh if each of the 8 cores in use drew 10 W")


def test_a_gpu(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    driver(tmp_path, monkeypatch, "echo 300.00; echo 350.00")
    assert "at most 6e+02 Wh for the GPUs alone, each limited to 300 W" in hardware.energy_in_words(
        ranks("cuda", 2), 3600
    )
    driver(tmp_path, monkeypatch, "echo '[N/A]'")
    assert hardware.energy_in_words(ranks("cuda"), 60).endswith("does not say what it may draw.")
    driver(tmp_path, monkeypatch, "exit 9")
    assert hardware.gpu_watts() is None
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda device: "A GPU")
    assert hardware.hardware_in_words(ranks("cuda")).startswith("1 process on cuda: A GPU; ")
