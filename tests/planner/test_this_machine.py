"""The machine that this runs on, told by what Linux says of it."""

from __future__ import annotations

from pathlib import Path

import pytest

from bertkit.planner.devices import load_devices
from bertkit.planner.this_machine import find, this_machine

DEVICES = load_devices()


def made(root: Path, flags: str, gpu: str | None = None) -> Path:
    (root / "proc").mkdir()
    (root / "proc/cpuinfo").write_text(f"processor\t: 0\nflags\t\t: fpu {flags} sse\n")
    (root / "proc/meminfo").write_text("MemTotal: 16 kB\nMemAvailable:    8388608 kB\n")
    if gpu is not None:
        folder = root / "proc/driver/nvidia/gpus/0000:01:00.0"
        folder.mkdir(parents=True)
        (folder / "information").write_text(f"Model: \t\t {gpu}\nIRQ:   1\n")
    return root


@pytest.mark.parametrize(
    ("flags", "bf16", "fp32"),
    [
        ("avx2 avx512_vnni avx512_bf16 amx_bf16", 1.2, 0.15),
        ("avx2 avx512_vnni avx512_bf16", 0.22, 0.11),
        ("avx2 avx512_vnni", None, 0.15),
        ("avx2", None, 0.096),
        ("", None, None),
    ],
)
def test_a_cpu_by_its_instructions(tmp_path: Path, flags: str, bf16: float | None, fp32: float | None) -> None:
    row = this_machine(DEVICES, made(tmp_path, flags)).row
    assert (row.kind, row.bf16_tflops, row.fp32_tflops, row.memory_gb) == ("cpu", bf16, fp32, 8.0)
    assert (row.evidence("fp32_tflops"), row.evidence("memory_gb")) == ("rule", "measured")


def test_a_containers_limit(tmp_path: Path) -> None:
    root = made(tmp_path, "avx2")
    (root / "sys/fs/cgroup").mkdir(parents=True)
    (root / "sys/fs/cgroup/memory.max").write_text(str(3 * 2**30))
    (root / "sys/fs/cgroup/memory.current").write_text(str(2**30))
    assert this_machine(DEVICES, root).row.memory_gb == 2.0
    (root / "sys/fs/cgroup/memory.max").write_text("max\n")
    assert this_machine(DEVICES, root).row.memory_gb == 8.0


def test_its_gpu(tmp_path: Path) -> None:
    assert this_machine(DEVICES, made(tmp_path, "avx2", "NVIDIA GeForce RTX 4090")).name == "RTX 4090"


def test_a_gpu_that_is_not_in_the_table(tmp_path: Path) -> None:
    assert this_machine(DEVICES, made(tmp_path, "avx2", "NVIDIA Unheard 9")).row.kind == "cpu"


def test_not_linux(tmp_path: Path) -> None:
    row = this_machine(DEVICES, tmp_path).row
    assert (row.memory_gb, row.fp32_tflops) == (None, None)


def test_it_has_a_name() -> None:
    assert find("This Machine", DEVICES).name == "this machine"
    assert find("here:3", DEVICES).count == 3
    assert find("T4", DEVICES).name == "T4"
