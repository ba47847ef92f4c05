"""The machine that bertkit runs on, as a device: its GPU where it has one, else its CPU by instruction set.

What is not known without trying, such as how fast the memory is, stays unknown; rates are those of the table's row of
the same instructions, and so a rule. `bertkit bench --calibrate` measures them, and then they are that.
"""

from __future__ import annotations

import os
import platform
import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from bertkit.errors import UserError
from bertkit.planner.calibration import read_calibration
from bertkit.planner.devices import Device, DeviceRow, find_device
from bertkit.planner.free_memory import free_host_bytes
from bertkit.planner.rates import FIELDS

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
    text = _text(root / "proc/cpuinfo")
    found = re.search(r"^flags\s*:\s*(.+)$", text, re.MULTILINE)
    flags = set(found[1].split()) if found else set()
    name = next((row for flag, row in ROWS.items() if flag in flags), None)
    like = None if name is None else find_device(name, devices).row
    row = DeviceRow(
        name=NAMES[0],
        kind="cpu",
        generation="unknown" if like is None else like.generation,
        cores=usable_cores(),
        memory_gb=_memory_gb(root),
        fp32_tflops=None if like is None else like.fp32_tflops,
        bf16_tflops=None if like is None else like.bf16_tflops,
        int8_tflops=None if like is None else like.int8_tflops,
        source="this machine; rates of " + (like.name if like is not None else "nothing that is known"),
        measured=["memory_gb"],
        rule=["fp32_tflops", "bf16_tflops", "int8_tflops"],
    )
    return Device(_calibrated(row, processor_name(root)), "the machine itself", row.cores or 1)


def _calibrated(row: DeviceRow, processor: str) -> DeviceRow:
    """The row with what `bertkit bench --calibrate` measured in the place of rules; a core's share of it."""
    found = read_calibration(processor, row.cores or 1)
    if found is None:
        return row
    rates = {FIELDS[precision]: tflops / found.threads for precision, tflops in found.products_tflops.items()}
    others = {"bandwidth_gb_s": found.bandwidth_gb_s}
    if found.numbers_g_s is not None:
        others["numbers_g_s"] = found.numbers_g_s / found.threads
    busy = f", while other programs were busy: load {found.load:.1f}" if found.was_disturbed else ""
    measured = [*row.measured, *rates, *others]
    changes = {
        **rates,
        **others,
        "measured": measured,
        "rule": [field for field in row.rule if field not in measured],
        "source": f"this machine, measured on {found.date} (bertkit bench --calibrate{busy})",
    }
    return row.model_copy(update=changes)


def processor_name(root: Path = Path("/")) -> str:
    """What the processor calls itself; its architecture where the system does not tell."""
    named = re.search(r"^model name\s*:\s*(.+)$", _text(root / "proc/cpuinfo"), re.MULTILINE)
    return named[1].strip() if named else platform.machine()


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


def _text(path: Path) -> str:
    try:
        return path.read_text(errors="replace")
    except OSError:  # not Linux
        return ""


def usable_cores() -> int:
    """Those that this process may run on."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _memory_gb(root: Path) -> float | None:
    """What is free now, or what a container's limit leaves, in GiB."""
    free = free_host_bytes(root)
    return None if free is None else max(1, free) / 2**30
