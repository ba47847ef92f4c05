"""Looks at the machine: files that the system shows, what is installed, the environment.

Nothing is changed, nobody is asked over the network, and what cannot be seen stays unknown.
"""

from __future__ import annotations

import os
import platform
import re
import shutil
import struct
import subprocess
import sys
import sysconfig
from collections.abc import Mapping
from pathlib import Path

from bertkit.doctor.built_in import built_in_models
from bertkit.doctor.facts import DriverFacts, MachineFacts, MemoryFacts, ProcessorFacts, PythonFacts
from bertkit.doctor.folder_locks import locks_below, unfinished_below
from bertkit.doctor.installed import installed_packages
from bertkit.doctor.places import hub_facts, writable_folders
from bertkit.doctor.torch_probe import ask_torch
from bertkit.planner.cgroup import read_limits

PATIENCE_SECONDS = 20


def gather(root: Path = Path("/"), environment: Mapping[str, str] = os.environ) -> MachineFacts:
    """All facts of this machine.

    Args:
        root: where `proc`, `sys` and `dev` are.
    """
    hub = hub_facts(environment)
    return MachineFacts(
        python=python_facts(),
        torch=ask_torch(),
        drivers=driver_facts(root),
        processor=processor_facts(root),
        memory=memory_facts(root),
        folders=writable_folders(hub.cache),
        hub=hub,
        built_in=built_in_models(),
        packages=installed_packages(),
        locks=locks_below(Path()),
        unfinished=unfinished_below(Path()),
        environment=dict(environment),
    )


def python_facts() -> PythonFacts:
    """The interpreter that runs this."""
    return PythonFacts(
        version=sys.version_info[:3],
        executable=sys.executable,
        system=platform.system(),
        machine=platform.machine(),
        bits=8 * struct.calcsize("P"),
        free_threaded=bool(sysconfig.get_config_var("Py_GIL_DISABLED")),
        translated=sys.platform == "darwin" and _told("sysctl", "-n", "sysctl.proc_translated") == "1",
        libc="musl" if "musl" in str(sysconfig.get_config_var("HOST_GNU_TYPE")) else platform.libc_ver()[0],
        compiler=next((one for one in (os.environ.get("CXX"), "g++", "clang++") if one and shutil.which(one)), None),
    )


def driver_facts(root: Path) -> DriverFacts:
    """GPUs and drivers: by nvidia-smi, and by the files of Linux where that does not answer."""
    names = []
    for information in sorted((root / "proc/driver/nvidia/gpus").glob("*/information")):
        if found := re.search(r"^Model:\s*(.+)$", _text(information), re.MULTILINE):
            names.append(found[1].strip())
    version = re.search(r"Kernel Module(?: for \S+)?\s+(\d+(?:\.\d+)+)", _text(root / "proc/driver/nvidia/version"))
    opens = not names or any(os.access(node, os.R_OK | os.W_OK) for node in (root / "dev").glob("nvidia[0-9]*"))
    listed, driver, failure = _asked_of_nvidia_smi()
    kfd = root / "dev/kfd"
    return DriverFacts(
        nvidia=tuple(names or listed),
        nvidia_driver=_numbers(version[1] if version is not None else driver),
        nvidia_opens=opens,
        nvidia_smi=failure,
        amd=kfd.exists(),
        amd_opens=os.access(kfd, os.R_OK | os.W_OK),
    )


def _asked_of_nvidia_smi() -> tuple[list[str], str, str | None]:
    """Names, the driver's version, and what it says where it fails."""
    command = ["nvidia-smi", "--query-gpu=name,driver_version", "--format=csv,noheader"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE_SECONDS)
    except subprocess.TimeoutExpired:
        return [], "", f"no answer in {PATIENCE_SECONDS} seconds"
    except OSError:  # there is none
        return [], "", None
    if done.returncode:
        return [], "", " ".join((done.stdout + done.stderr).split())[:200]
    rows = [line.rsplit(", ", 1) for line in done.stdout.splitlines() if ", " in line]
    return [name for name, _ in rows], rows[0][1] if rows else "", None


def _numbers(version: str) -> tuple[int, ...] | None:
    parts = re.findall(r"\d+", version)
    return tuple(map(int, parts)) if parts else None


def processor_facts(root: Path) -> ProcessorFacts:
    """The CPU, by Linux's files; of other systems its name and its cores."""
    text = _text(root / "proc/cpuinfo")
    usable = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return ProcessorFacts(
        name=_field(text, "model name") or platform.processor() or platform.machine(),
        vendor=_field(text, "vendor_id") or "unknown",
        flags=frozenset((_field(text, "flags") or "").split()),
        cores=os.cpu_count() or 1,
        usable=usable,
        quota=read_limits(root).cores,
    )


def memory_facts(root: Path) -> MemoryFacts:
    """Free memory, by Linux's files."""
    text, limits = _text(root / "proc/meminfo"), read_limits(root)
    sizes = {name: re.search(rf"^{name}:\s*(\d+) kB", text, re.MULTILINE) for name in ("MemTotal", "MemAvailable")}
    total, available = (None if found is None else int(found[1]) * 1024 for found in sizes.values())
    shared = root / "dev/shm"
    return MemoryFacts(
        total=total,
        available=available,
        limit=limits.memory,
        limit_left=limits.memory_left,
        shared=shutil.disk_usage(shared).free if shared.is_dir() else None,
    )


def _field(text: str, name: str) -> str | None:
    found = re.search(rf"^{name}\s*:\s*(.+)$", text, re.MULTILINE)
    return None if found is None else found[1].strip()


def _text(path: Path) -> str:
    try:
        return path.read_text(errors="replace")
    except OSError:
        return ""


def _told(*command: str) -> str:
    """What a small program of the system prints; nothing where there is none."""
    try:
        return subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE_SECONDS).stdout.strip()
    except (OSError, subprocess.SubprocessError):
        return ""
