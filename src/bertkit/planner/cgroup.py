"""What a container may use of its machine, by Linux's control groups of either version; without torch.

The limit of a group holds for all that are in it, so that the smallest one on the way up to the root is what counts.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

UNLIMITED_BYTES = 2**60  # version 1 writes "no limit" as a number near 2**63


@dataclass(frozen=True, slots=True)
class GroupLimits:
    """Of the group that this process is in; None where there is no limit.

    Attributes:
        cores: of processor time, which may be a fraction of one.
        memory: bytes.
        memory_used: bytes that the group with that limit has already and needs.
    """

    cores: float | None = None
    memory: int | None = None
    memory_used: int | None = None

    @property
    def memory_left(self) -> int | None:
        """Bytes that the limit leaves."""
        if self.memory is None or self.memory_used is None:
            return None
        return max(0, self.memory - self.memory_used)


def read_limits(root: Path = Path("/")) -> GroupLimits:
    """The limits that hold for this process.

    Args:
        root: where `proc` and `sys` are.
    """
    cores, memory = None, None
    for folder in _groups(root, "cpu"):
        found = _cores(folder)
        cores = found if cores is None or (found is not None and found < cores) else cores
    for folder in _groups(root, "memory"):
        found_memory = _memory(folder)
        # The tightest is where the least is left.
        if found_memory is not None and (memory is None or _left(found_memory) < _left(memory)):
            memory = found_memory
    return GroupLimits(cores, *(memory or (None, None)))


def _groups(root: Path, controller: str) -> Iterator[Path]:
    """The folders of the group that has a controller, from its own up to the root's."""
    base = root / "sys/fs/cgroup"
    for top, path in ((base, _path_of(root, "")), (base / controller, _path_of(root, controller))):
        folder = top / path.lstrip("/")
        while True:
            if folder.is_dir():
                yield folder
            if folder in (top, folder.parent) or top not in folder.parents:
                break
            folder = folder.parent


def _path_of(root: Path, controller: str) -> str:
    """Of the group of this process; of version 2 the controller has no name."""
    try:
        lines = (root / "proc/self/cgroup").read_text().splitlines()
    except OSError:
        return ""
    for line in lines:
        _, names, path = [*line.split(":", 2), "", ""][:3]
        if controller in names.split(","):
            return path
    return ""


def _cores(folder: Path) -> float | None:
    try:
        quota, period = (folder / "cpu.max").read_text().split()
        return None if quota == "max" else int(quota) / int(period)
    except (OSError, ValueError):
        pass
    numbers = [number_in(folder / f"cpu.cfs_{name}_us") for name in ("quota", "period")]
    quota_us, period_us = numbers
    return quota_us / period_us if quota_us and period_us and quota_us > 0 else None


def _memory(folder: Path) -> tuple[int, int] | None:
    for limit_name, used_name in (("memory.max", "memory.current"), ("memory.limit_in_bytes", "memory.usage_in_bytes")):
        limit, used = number_in(folder / limit_name), number_in(folder / used_name)
        if limit is not None and used is not None and limit < UNLIMITED_BYTES:
            return limit, max(0, used - _droppable(folder))
    return None


def _droppable(folder: Path) -> int:
    """Bytes of files read, which count as used and make room as soon as it is needed."""
    try:
        words = dict(line.split(maxsplit=1) for line in (folder / "memory.stat").read_text().splitlines())
        return int(words.get("total_inactive_file") or words.get("inactive_file") or 0)
    except (OSError, ValueError):
        return 0


def _left(memory: tuple[int, int]) -> int:
    return memory[0] - memory[1]


def number_in(path: Path) -> int | None:
    """The whole number that a file has; None where there is no such file, or it says `max`."""
    try:
        return int(path.read_text())
    except (OSError, ValueError):
        return None
