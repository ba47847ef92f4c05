"""What a run computes on, and how much energy that may have taken, in words that say how it is known."""

from __future__ import annotations

import os
import platform
import re
import subprocess
from pathlib import Path

import torch

from bertkit.training.ranks import Ranks

CPUS = Path("/proc/cpuinfo")
WATTS_OF_A_CORE = 10.0  # a server's processor draws 5 to 15 W for each of its busy cores
WATT_SECONDS = 3600.0  # of a watt-hour


def hardware_in_words(ranks: Ranks) -> str:
    """`1 process on cpu: AMD EPYC, 2 cores`."""
    processes = f"{ranks.count} process{'es' if ranks.count > 1 else ''} on {ranks.device.type}"
    cores = f"{processor_name()}, {os.cpu_count()} cores"
    if ranks.device.type == "cpu":
        return f"{processes}: {cores}"
    return f"{processes}: {torch.cuda.get_device_name(ranks.device)}; {cores}"


def energy_in_words(ranks: Ranks, seconds: float) -> str:
    """An estimate: of GPUs the most that their limit lets them draw, of processors by an assumption that it states."""
    if ranks.device.type == "cpu":
        cores = ranks.count * torch.get_num_threads()
        hours = cores * WATTS_OF_A_CORE * seconds / WATT_SECONDS
        return (
            f"Energy: not measured; about {hours:.2g} Wh if each of the {cores} cores in use drew "
            f"{WATTS_OF_A_CORE:g} W, which is an assumption."
        )
    watts = gpu_watts()
    if watts is None:
        return "Energy: not measured, and the GPU does not say what it may draw."
    hours = ranks.count * watts * seconds / WATT_SECONDS
    return f"Energy: not measured; at most {hours:.2g} Wh for the GPUs alone, each limited to {watts:g} W."


def processor_name() -> str:
    """What the processor calls itself; its architecture where the system does not tell."""
    told = CPUS.read_text(errors="replace") if CPUS.is_file() else ""
    named = re.search(r"^model name\s*:\s*(.+)$", told, re.MULTILINE)
    return named[1].strip() if named else platform.machine()


def gpu_watts() -> float | None:
    """The power that the first GPU is limited to, by the driver's own tool; None where that does not say."""
    command = ["nvidia-smi", "--query-gpu=power.limit", "--format=csv,noheader,nounits"]
    try:
        told = subprocess.run(command, capture_output=True, text=True, timeout=10, check=True).stdout
        return float(told.split()[0])
    except (OSError, subprocess.SubprocessError, ValueError, IndexError):
        return None
