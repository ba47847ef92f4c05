"""MachineFacts by files as Linux writes them, and by what is really here."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from bertkit.doctor import gathering
from bertkit.doctor.facts import DriverFacts, TorchFailure
from bertkit.doctor.gathering import driver_facts, gather, memory_facts, processor_facts, python_facts

CPUINFO = "vendor_id\t: AuthenticAMD\nmodel name\t: AMD EPYC 9V74\nflags\t\t: fpu avx2 avx512_vnni\n"
NVRM = "NVRM version: NVIDIA UNIX Open Kernel Module for x86_64  580.82.07  Release Build\n"


def write(root: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    return root


@pytest.fixture(autouse=True)
def _no_nvidia_smi(monkeypatch: pytest.MonkeyPatch) -> None:
    def run(command: list[str], **_: Any) -> Any:
        raise FileNotFoundError(command[0])

    monkeypatch.setattr(gathering.subprocess, "run", run)


def says(monkeypatch: pytest.MonkeyPatch, code: int, out: str) -> None:
    answer = subprocess.CompletedProcess(["nvidia-smi"], code, out, "")
    monkeypatch.setattr(gathering.subprocess, "run", lambda *_, **__: answer)


def test_this_python() -> None:
    facts = python_facts()
    assert (facts.version, facts.executable, facts.bits) == (sys.version_info[:3], sys.executable, 64)


def test_a_processor(tmp_path: Path) -> None:
    write(tmp_path, {"proc/cpuinfo": CPUINFO, "sys/fs/cgroup/cpu.max": "150000 100000"})
    facts = processor_facts(tmp_path)
    assert (facts.vendor, facts.name, facts.quota) == ("AuthenticAMD", "AMD EPYC 9V74", 1.5)
    assert facts.flags == {"fpu", "avx2", "avx512_vnni"}
    assert facts.cores == os.cpu_count()


def test_memory(tmp_path: Path) -> None:
    write(
        tmp_path,
        {
            "proc/meminfo": "MemTotal:  2048 kB\nMemAvailable:  1024 kB\n",
            "sys/fs/cgroup/memory.max": "4096",
            "sys/fs/cgroup/memory.current": "1024",
        },
    )
    facts = memory_facts(tmp_path)
    assert (facts.total, facts.available, facts.limit, facts.limit_left) == (2 * 2**20, 2**20, 4096, 3072)
    assert facts.shared is None


def test_not_linux(tmp_path: Path) -> None:
    assert memory_facts(tmp_path).available is None
    assert processor_facts(tmp_path).flags == frozenset()
    assert driver_facts(tmp_path) == DriverFacts(amd_opens=False)


def test_an_nvidia_gpu_whose_device_files_a_container_lacks(tmp_path: Path) -> None:
    information = {"proc/driver/nvidia/gpus/0000:01:00.0/information": "Model: \t\t NVIDIA H100\nIRQ: 1\n"}
    write(tmp_path, {**information, "proc/driver/nvidia/version": NVRM})
    facts = driver_facts(tmp_path)
    assert (facts.nvidia, facts.nvidia_driver, facts.nvidia_opens) == (("NVIDIA H100",), (580, 82, 7), False)
    write(tmp_path, {"dev/nvidia0": ""})
    assert driver_facts(tmp_path).nvidia_opens


def test_by_nvidia_smi_where_there_are_no_such_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    says(monkeypatch, 0, "NVIDIA GeForce RTX 4090, 581.15\nNVIDIA T4, 581.15\n")
    facts = driver_facts(tmp_path)
    assert (facts.nvidia, facts.nvidia_driver) == (("NVIDIA GeForce RTX 4090", "NVIDIA T4"), (581, 15))
    assert facts.nvidia_opens


def test_nvidia_smi_that_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    says(monkeypatch, 18, "Failed to initialize NVML:\nDriver/library version mismatch\n")
    assert driver_facts(tmp_path).nvidia_smi == "Failed to initialize NVML: Driver/library version mismatch"


def test_amd(tmp_path: Path) -> None:
    write(tmp_path, {"dev/kfd": ""})
    assert driver_facts(tmp_path) == DriverFacts(amd=True)


def test_all_of_it(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(gathering, "ask_torch", lambda: TorchFailure("absent"))
    facts = gather(tmp_path, {"OMP_NUM_THREADS": "3"})
    assert facts.environment == {"OMP_NUM_THREADS": "3"}
    assert facts.folders[-1].path == str(tmp_path)
    assert facts.built_in
    assert facts.packages
