"""Whether a run fits into memory, said before it begins."""

from __future__ import annotations

from pathlib import Path

import torch

from bertkit.config.encoder import EncoderConfig
from bertkit.config.training import TrainTable
from bertkit.planner.training_memory import Training, training_memory
from bertkit.training.ranks import Ranks
from bertkit.training.step import NoMemory

GB = 1e9


def check_memory(table: TrainTable, encoder: EncoderConfig, precision: str, length: int, ranks: Ranks) -> None:
    """Refuse a run whose weights and optimiser alone do not fit; activations can be split, they cannot.

    Raises:
        NoMemory: saying what is needed and what there is.
    """
    sharing = {"ddp": 1, "fsdp": ranks.count, "hybrid": table.shard_ranks or 1}[table.parallel]
    how = Training(
        micro_batch_tokens=length,
        length=length,
        precision=precision,
        optimiser=table.optimiser.name,
        recompute=table.recompute,
        ranks_sharing=sharing,
        device="cuda" if ranks.device.type == "cuda" else "cpu",
        running_mean=table.ema is not None,
    )
    needed = training_memory(encoder, how)
    free = free_bytes(ranks.device)
    if needed.total > free:
        names = ("weights", "gradients", "optimiser", "activations")
        parts = ", ".join(f"{getattr(needed, name) / GB:.1f} GB of {name}" for name in names)
        raise NoMemory(
            f"one sequence at a time needs {needed.total / GB:.1f} GB ({parts}), and {free / GB:.1f} GB are free"
        )


def free_bytes(device: torch.device) -> int:
    """Memory that this process can still take: of its GPU, else of the host, its share where it is limited."""
    if device.type == "cuda":
        return torch.cuda.mem_get_info(device)[0]
    free = _meminfo()
    limit, used = (_number(Path("/sys/fs/cgroup") / name) for name in ("memory.max", "memory.current"))
    return min(free, limit - used) if limit is not None and used is not None else free


def _meminfo() -> int:
    path = Path("/proc/meminfo")
    if not path.exists():  # not Linux: nothing is refused
        return 2**62
    values = dict(line.split(":", 1) for line in path.read_text().splitlines())
    return int(values["MemAvailable"].split()[0]) * 1024


def _number(path: Path) -> int | None:
    try:
        return int(path.read_text())
    except (OSError, ValueError):  # no limit is written "max"
        return None
