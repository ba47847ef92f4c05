"""How much memory of the machine this process can still take; without torch."""

from __future__ import annotations

import re
from pathlib import Path

from bertkit.planner.cgroup import read_limits


def free_host_bytes(root: Path = Path("/")) -> int | None:
    """What is free, what a container's limit leaves, or what `ulimit -v` leaves, whichever is the least.

    None where the system does not say.

    Args:
        root: where `proc` and `sys` are.
    """
    found = re.search(r"^MemAvailable:\s*(\d+)", _text(root / "proc/meminfo"), re.MULTILINE)
    if found is None:
        return None
    left = (int(found[1]) * 1024, read_limits(root).memory_left, _address_space_left(root))
    return max(0, min(size for size in left if size is not None))


def _address_space_left(root: Path) -> int | None:
    """Of the limit on a process's addresses, which few systems set."""
    limit = re.search(r"^Max address space\s+(\d+)", _text(root / "proc/self/limits"), re.MULTILINE)
    used = re.search(r"^VmSize:\s*(\d+)", _text(root / "proc/self/status"), re.MULTILINE)
    return None if limit is None or used is None else int(limit[1]) - int(used[1]) * 1024


def _text(path: Path) -> str:
    try:
        return path.read_text(errors="replace")
    except OSError:  # not Linux
        return ""
