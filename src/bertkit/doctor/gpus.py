"""GPUs: used, or why not."""

from __future__ import annotations

import re
from collections.abc import Iterator

from bertkit.doctor.facts import Gpu, MachineFacts, TorchFacts
from bertkit.doctor.finding import DoctorFinding

# NVIDIA's table of the oldest drivers that programs of a CUDA version run on.
OLDEST_DRIVERS = {11: (450, 80), 12: (525, 60), 13: (580, 65)}
CUDA_BUILD = "pip install --force-reinstall torch --index-url https://download.pytorch.org/whl/cu130"
ROCM_BUILD = "Install torch's ROCm build: https://pytorch.org/get-started lists the command."
BUSY_SHARE = 0.5  # of a GPU's memory in others' use


def nvidia(facts: MachineFacts) -> Iterator[DoctorFinding]:
    """NVIDIA's."""
    torch, drivers = facts.torch, facts.drivers
    if not isinstance(torch, TorchFacts):
        return
    if torch.cuda_available and torch.hip is None:
        yield from _seen(torch)
        return
    if drivers.nvidia_smi is not None and "mismatch" in drivers.nvidia_smi.lower():
        cure = "Restart the machine: the driver was updated while the old one was in use."
        yield DoctorFinding("GPU", "problem", f"nvidia-smi: {drivers.nvidia_smi}", cure)
        return
    if not drivers.nvidia:
        if torch.cuda is not None:
            yield DoctorFinding(
                "GPU", "note", "torch is built for CUDA, and there is no NVIDIA driver", "Nothing is amiss."
            )
        return
    yield _unused(facts, torch, f"{', '.join(drivers.nvidia)} is not used")


def _unused(facts: MachineFacts, torch: TorchFacts, seen: str) -> DoctorFinding:
    """Why torch does not use a GPU that there is, and what to do."""
    drivers = facts.drivers
    newest = OLDEST_DRIVERS[max(OLDEST_DRIVERS)]
    if torch.cuda is None:
        old = drivers.nvidia_driver is not None and drivers.nvidia_driver < newest
        cure = CUDA_BUILD + (f" (it needs a driver from {newest[0]} on: update that first)" if old else "")
        return DoctorFinding("GPU", "warning", f"{seen}: this torch is built without CUDA", cure)
    visible = facts.environment.get("CUDA_VISIBLE_DEVICES")
    if visible is not None and not any(part.strip().isdigit() for part in visible.split(",")):
        cure = "Unset CUDA_VISIBLE_DEVICES to use it."
        return DoctorFinding("GPU", "warning", f"{seen}: CUDA_VISIBLE_DEVICES is {visible!r}", cure)
    oldest = OLDEST_DRIVERS.get(int(torch.cuda.split(".")[0]))
    if oldest is not None and drivers.nvidia_driver is not None and drivers.nvidia_driver < oldest:
        version, wanted = (".".join(map(str, numbers)) for numbers in (drivers.nvidia_driver, oldest))
        seen = f"{seen}: the driver is {version}, and CUDA {torch.cuda} needs {wanted}"
        cure = f"Update the driver to {oldest[0]} or newer, or install a torch for an older CUDA (https://pytorch.org)."
        return DoctorFinding("GPU", "problem", seen, cure)
    if not drivers.nvidia_opens:
        cure = "Start the container with its GPUs: docker run --gpus all, with NVIDIA's container toolkit installed."
        return DoctorFinding("GPU", "problem", f"{seen}: there are no device files for it, as in a container", cure)
    if visible is not None:
        cure = f"Choose of 0 to {len(drivers.nvidia) - 1}, or unset CUDA_VISIBLE_DEVICES."
        return DoctorFinding("GPU", "problem", f"{seen}: CUDA_VISIBLE_DEVICES is {visible!r}", cure)
    said = "; ".join(torch.said) or drivers.nvidia_smi or "torch does not say why"
    cure = "See that nvidia-smi lists it; restart the machine where it does not."
    return DoctorFinding("GPU", "problem", f"{seen}: {said}", cure)


def _seen(torch: TorchFacts) -> Iterator[DoctorFinding]:
    for number, gpu in enumerate(torch.gpus):
        name = f"cuda:{number} {gpu.name}"
        version = ".".join(map(str, gpu.capability))
        if not has_kernels(gpu, torch.architectures):
            cure = f"{CUDA_BUILD} has newer kernels; for older GPUs take an older torch, or --device cpu."
            built = ", ".join(torch.architectures)
            yield DoctorFinding(
                "GPU", "problem", f"{name}: capability {version}, and torch's kernels are for {built}", cure
            )
            continue
        yield DoctorFinding("GPU", "ok", f"{name}, {gpu.total_bytes / 2**30:.0f} GiB, capability {version}")
        if gpu.capability < (7, 0):
            cure = "Leave --dtype at auto."
            yield DoctorFinding("GPU", "note", f"{name} has no fast half precision: answers are in float32", cure)
        if gpu.free_bytes is not None and gpu.free_bytes < (1 - BUSY_SHARE) * gpu.total_bytes:
            cure = "nvidia-smi lists the programs that use it; or choose another with --device or CUDA_VISIBLE_DEVICES."
            free = f"{gpu.free_bytes / 2**30:.1f} of {gpu.total_bytes / 2**30:.1f} GiB are free"
            yield DoctorFinding("GPU", "warning", f"{name}: {free}", cure)


def has_kernels(gpu: Gpu, architectures: tuple[str, ...]) -> bool:
    """Whether kernels of these architectures run on a GPU: of its major version, or such as its driver compiles."""
    if not architectures:
        return True  # nothing is known
    for name in architectures:
        found = re.fullmatch(r"(sm|compute)_(\d+)(\d)[a-z]?", name)
        if found is None:
            continue
        version = int(found[2]), int(found[3])
        if version <= gpu.capability and (found[1] == "compute" or version[0] == gpu.capability[0]):
            return True
    return False


def amd(facts: MachineFacts) -> Iterator[DoctorFinding]:
    """AMD's."""
    torch, drivers = facts.torch, facts.drivers
    if not isinstance(torch, TorchFacts):
        return
    if torch.hip is not None and torch.cuda_available:
        for number, gpu in enumerate(torch.gpus):
            size = f"{gpu.total_bytes / 2**30:.0f} GiB"
            yield DoctorFinding("GPU", "ok", f"cuda:{number} {gpu.name} (ROCm {torch.hip}), {size}")
        cure = "docs/devices.md says what is known; report what you see."
        yield DoctorFinding("GPU", "note", "nobody has tried bertkit on AMD's GPUs", cure)
    elif drivers.amd and not drivers.amd_opens:
        cure = "Add yourself to the groups render and video (sudo usermod -aG render,video $USER), then log in again."
        yield DoctorFinding("GPU", "warning", "an AMD GPU is not used: /dev/kfd may not be opened", cure)
    elif drivers.amd and torch.hip is None:
        yield DoctorFinding("GPU", "warning", "an AMD GPU is not used: this torch is built without ROCm", ROCM_BUILD)
    elif drivers.amd:
        said = "; ".join(torch.said) or "torch does not say why"
        cure = "See that rocminfo lists it; an older GPU may need HSA_OVERRIDE_GFX_VERSION."
        yield DoctorFinding("GPU", "warning", f"an AMD GPU is not used: {said}", cure)


def apple(facts: MachineFacts) -> Iterator[DoctorFinding]:
    """Apple's."""
    torch = facts.torch
    if not isinstance(torch, TorchFacts) or not _is_apple(facts):
        return
    if torch.mps_available:
        yield DoctorFinding("GPU", "ok", "mps: Apple's GPU, for answers; training takes the CPU")
    elif not torch.mps_built:
        yield DoctorFinding(
            "GPU", "warning", "Apple's GPU is not used: this torch is built without MPS", "pip install torch"
        )
    else:
        cure = "Update macOS to 14 or newer."
        yield DoctorFinding("GPU", "warning", "Apple's GPU is not used: torch finds no MPS device", cure)


def none_at_all(facts: MachineFacts) -> Iterator[DoctorFinding]:
    """No GPU, and nothing amiss."""
    torch, drivers = facts.torch, facts.drivers
    found = drivers.nvidia or drivers.amd or drivers.nvidia_smi
    if not isinstance(torch, TorchFacts) or torch.cuda_available or found or _is_apple(facts):
        return
    yield DoctorFinding("GPU", "ok", "none: models run on the CPU")


def _is_apple(facts: MachineFacts) -> bool:
    return (facts.python.system, facts.python.machine) == ("Darwin", "arm64")


def shared_memory(facts: MachineFacts) -> Iterator[DoctorFinding]:
    """Several GPUs of one machine exchange gradients through /dev/shm, which containers make small."""
    torch, shared = facts.torch, facts.memory.shared
    if isinstance(torch, TorchFacts) and len(torch.gpus) > 1 and shared is not None and shared < 2**30:
        cure = "Give the container more (docker run --shm-size 8g, or --ipc host)."
        yield DoctorFinding("shared memory", "warning", f"/dev/shm has {shared / 2**20:.0f} MiB for several GPUs", cure)
