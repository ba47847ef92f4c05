"""Whether a run fits into memory, said before it begins; and what would fit, where it does not."""

from __future__ import annotations

import torch

from bertkit.config.encoder import EncoderConfig
from bertkit.config.training import TrainTable
from bertkit.errors import OutOfMemory
from bertkit.planner.fitting import training_remedy
from bertkit.planner.free_memory import free_host_bytes
from bertkit.planner.training_memory import Training, training_memory
from bertkit.training.ranks import Ranks

GB = 1e9
UNKNOWN_BYTES = 2**62  # where the system does not say what is free, nothing is refused
REMEDY = (
    "Set train.recompute = true, use a shorter data.length, a smaller model, more ranks with "
    "train.parallel = 'fsdp', or a larger machine."
)


def check_memory(table: TrainTable, encoder: EncoderConfig, precision: str, length: int, ranks: Ranks) -> None:
    """Refuse a run whose weights and optimiser alone do not fit; activations can be split, they cannot.

    Raises:
        OutOfMemory: saying what is needed, what there is, and what would fit.
    """
    how = _training(table, precision, length, ranks)
    needed = training_memory(encoder, how)
    free = free_bytes(ranks.device)
    if needed.total > free:
        names = ("weights", "gradients", "optimiser", "activations")
        parts = ", ".join(f"{getattr(needed, name) / GB:.1f} GB of {name}" for name in names)
        raise OutOfMemory(
            f"one sequence at a time needs {needed.total / GB:.1f} GB ({parts}), and {free / GB:.1f} GB are free",
            training_remedy(encoder, how, free) or REMEDY,
        )


def one_sequence_too_large(
    table: TrainTable, encoder: EncoderConfig, precision: str, length: int, ranks: Ranks
) -> OutOfMemory:
    """The error of a micro-batch that cannot be made smaller, in a run whose weights are in memory."""
    how = _training(table, precision, length, ranks)
    held = training_memory(encoder, how)
    free = free_bytes(ranks.device)
    remedy = None if free == UNKNOWN_BYTES else training_remedy(encoder, how, free + held.weights + held.optimiser)
    return OutOfMemory(
        f"a micro-batch of {length} tokens, one sequence, does not fit into memory: {free / GB:.1f} GB are free beside "
        "the weights",
        remedy or REMEDY,
    )


def _training(table: TrainTable, precision: str, length: int, ranks: Ranks) -> Training:
    return Training(
        micro_batch_tokens=length,
        length=length,
        precision=precision,
        optimiser=table.optimiser.name,
        recompute=table.recompute,
        ranks_sharing={"ddp": 1, "fsdp": ranks.count, "hybrid": table.shard_ranks or 1}[table.parallel],
        device="cuda" if ranks.device.type == "cuda" else "cpu",
        running_mean=table.ema is not None,
    )


def free_bytes(device: torch.device) -> int:
    """Memory that this process can still take: of its GPU, else of the host, its share where it is limited."""
    if device.type == "cuda":
        return torch.cuda.mem_get_info(device)[0]
    free = free_host_bytes()
    return UNKNOWN_BYTES if free is None else free
