"""GPUs that are not used, and why."""

from __future__ import annotations

from typing import Any

import pytest

from bertkit.doctor.facts import DriverFacts, Gpu, MachineFacts, MemoryFacts, PythonFacts
from bertkit.doctor.gpus import has_kernels
from tests.doctor.faults import check_named, findings, with_torch

GIB = 2**30
H100 = Gpu("NVIDIA H100", (9, 0), 70 * GIB, 80 * GIB)
SEEN = DriverFacts(nvidia=("NVIDIA H100",), nvidia_driver=(580, 82, 7))


def made(drivers: DriverFacts = SEEN, environment: dict[str, str] | None = None, **torch: Any) -> MachineFacts:
    return with_torch(MachineFacts(drivers=drivers, environment=environment or {}), **torch)


@pytest.mark.parametrize(
    ("facts", "level", "seen", "cure"),
    [
        pytest.param(made(), "warning", "built without CUDA", "whl/cu130", id="a build for CPUs"),
        pytest.param(
            made(DriverFacts(nvidia=("NVIDIA T4",), nvidia_driver=(535, 1))),
            "warning",
            "built without CUDA",
            "update that first",
            id="a build for CPUs, and an old driver",
        ),
        pytest.param(
            made(DriverFacts(nvidia=("NVIDIA T4",), nvidia_driver=(535, 104, 5)), cuda="13.0"),
            "problem",
            "the driver is 535.104.5, and CUDA 13.0 needs 580.65",
            "Update the driver to 580",
            id="an old driver",
        ),
        pytest.param(
            made(environment={"CUDA_VISIBLE_DEVICES": ""}, cuda="13.0"), "warning", "''", "Unset CUDA_VIS", id="hidden"
        ),
        pytest.param(
            made(environment={"CUDA_VISIBLE_DEVICES": "7"}, cuda="13.0"), "problem", "'7'", "of 0 to 0", id="not there"
        ),
        pytest.param(
            made(DriverFacts(nvidia=("NVIDIA H100",), nvidia_driver=(580, 65), nvidia_opens=False), cuda="13.0"),
            "problem",
            "no device files",
            "--gpus all",
            id="a container without it",
        ),
        pytest.param(
            made(DriverFacts(nvidia_smi="Failed to initialize NVML: Driver/library version mismatch")),
            "problem",
            "version mismatch",
            "Restart",
            id="the driver was updated",
        ),
        pytest.param(
            made(cuda="13.0", said=("CUDA unknown error",)), "problem", "unknown error", "nvidia-smi", id="it says why"
        ),
        pytest.param(made(cuda="13.0"), "problem", "does not say why", "nvidia-smi", id="it does not say why"),
        pytest.param(made(DriverFacts(), cuda="13.0"), "note", "no NVIDIA driver", "Nothing", id="a build for CUDA"),
        pytest.param(
            made(cuda="13.0", cuda_available=True, gpus=(H100,), architectures=("sm_100", "sm_120")),
            "problem",
            "kernels are for sm_100, sm_120",
            "older torch",
            id="no kernels for it",
        ),
        pytest.param(
            made(cuda="12.6", cuda_available=True, gpus=(Gpu("GTX 1080", (6, 1), 8 * GIB, 8 * GIB),)),
            "note",
            "no fast half precision",
            "auto",
            id="old",
        ),
        pytest.param(
            made(cuda="13.0", cuda_available=True, gpus=(Gpu("H100", (9, 0), 2 * GIB, 80 * GIB),)),
            "warning",
            "2.0 of 80.0 GiB are free",
            "nvidia-smi lists the programs",
            id="full",
        ),
        pytest.param(
            made(DriverFacts(amd=True)), "warning", "built without ROCm", "ROCm build", id="AMD, a build for CPUs"
        ),
        pytest.param(
            made(DriverFacts(amd=True, amd_opens=False), hip="7.1"),
            "warning",
            "/dev/kfd",
            "usermod",
            id="AMD, no right",
        ),
        pytest.param(
            made(DriverFacts(amd=True), hip="7.1"), "warning", "does not say why", "rocminfo", id="AMD, not found"
        ),
        pytest.param(
            made(DriverFacts(amd=True), hip="7.1", cuda_available=True, gpus=(H100,)),
            "note",
            "nobody has tried",
            "docs/devices.md",
            id="AMD, used",
        ),
    ],
)
def test_why_a_gpu_is_not_used(facts: MachineFacts, level: str, seen: str, cure: str) -> None:
    check_named(facts, "GPU", level, seen, cure)


@pytest.mark.parametrize(
    ("torch", "seen", "cure"),
    [({"mps_built": False}, "without MPS", "pip install"), ({"mps_built": True}, "no MPS device", "to 14 or")],
)
def test_apple(torch: dict[str, bool], seen: str, cure: str) -> None:
    mac = MachineFacts(python=PythonFacts(system="Darwin", machine="arm64"))
    check_named(with_torch(mac, **torch), "GPU", "warning", seen, cure)
    assert findings(with_torch(mac, mps_built=True, mps_available=True), "GPU") == []


def test_a_gpu_that_is_used_and_none_at_all_are_well() -> None:
    assert findings(made(cuda="13.0", cuda_available=True, gpus=(H100,), architectures=("sm_90",)), "GPU") == []
    assert findings(made(DriverFacts()), "GPU") == []


@pytest.mark.parametrize(
    ("architectures", "runs"),
    [
        ((), True),
        (("sm_80",), False),
        (("sm_90a",), True),
        (("sm_100",), False),
        (("compute_80",), True),
        (("x",), False),
    ],
)
def test_kernels_of_an_architecture(architectures: tuple[str, ...], runs: bool) -> None:
    assert has_kernels(H100, architectures) == runs


def test_kernels_of_an_earlier_minor_version_run() -> None:
    assert has_kernels(Gpu("RTX 4090", (8, 9), None, 24 * GIB), ("sm_75", "sm_80"))


def test_little_shared_memory_for_several() -> None:
    facts = MachineFacts(memory=MemoryFacts(shared=64 * 2**20))
    two = with_torch(facts, cuda="13.0", cuda_available=True, gpus=(H100, H100))
    check_named(two, "shared memory", "warning", "64 MiB", "--shm-size")
    assert findings(facts, "shared memory") == []
