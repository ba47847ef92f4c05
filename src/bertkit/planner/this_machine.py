"""The machine that bertkit runs on, as a device: its GPU where it has one, else its CPU by instruction set.

What is not known without trying, such as how fast the memory is, stays unknown; rates are those of the table's row of
the same instructions, and so a rule.
"""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from bertkit.errors import UserError
from bertkit.planner.devices import Device, DeviceRow, find_device
from bertkit.planner.free_memory import free_host_bytes

NAMES = ("this machine", "here")
# The best instructions that a processor has say which row is like it.
ROWS = {
    "amx_bf16": "Xeon AMX",
    "avx512_bf16": "EPYC Zen 4",
    "avx512_vnni": "AVX512-VNNI core",
    "avx2": "AVX2 core",
}


def this_machine(devices: Sequence[Device], root: Path = Path("/")) -> Device:
    """The device that work here would run on.

    Args:
        root: where `proc` and `sys` are.
    """
    for information in sorted((root / "proc/driver/nvidia/gpus").glob("*/information")):
        if found := re.search(r"^Model:\s*(.+)$", information.read_text(errors="replace"), re.MULTILINE):
            try:
                return find_device(found[1], devices)
            except UserError:
                break  # a GPU that the table does not have: its figures are unknown, the CPU's are not
    flags = _flags(root / "proc/cpuinfo")
    name = next((row for flag, row in ROWS.items() if flag in flags), None)
    like = None if name is None else find_device(name, devices).row
    row = DeviceRow(
        name=NAMES[0],
        kind="cpu",
        generation="unknown" if like is None else like.generation,
        cores=_cores(),
        memory_gb=_memory_gb(root),
        fp32_tflops=None if like is None else like.fp32_tflops,
        bf16_tflops=None if like is None else like.bf16_tflops,
        int8_tflops=None if like is None else like.int8_tflops,
        source="this machine; rates of " + (like.name if like is not None else "nothing that is known"),
        measured=["memory_gb"],
        rule=["fp32_tflops", "bf16_tflops", "int8_tflops"],
    )
    return Device(row, "the machine itself", row.cores or 1)


def find(asked: str, devices: Sequence[Device]) -> Device:
    """As `find_device`; `this machine` is the one that this runs on.

    Raises:
        UserError: as `find_device` does.
    """
    count = re.fullmatch(r"(?:this machine|here):(\d+)", asked.strip().lower())
    if asked.strip().lower() in NAMES:
        return this_machine(devices)
    if count:
        return replace(this_machine(devices), count=max(1, int(count[1])))
    return find_device(asked, devices)


def _flags(path: Path) -> set[str]:
    try:
        found = re.search(r"^flags\s*:\s*(.+)$", path.read_text(errors="replace"), re.MULTILINE)
    except OSError:  # not Linux
        return set()
    return set(found[1].split()) if found else set()


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _memory_gb(root: Path) -> float | None:
    """What is free now, or what a container's limit leaves, in GiB."""
    free = free_host_bytes(root)
    return None if free is None else max(1, free) / 2**30
