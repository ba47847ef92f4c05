"""What a piece of work needs of a device's memory, and what of it fits."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from bertkit.planner import process
from bertkit.planner.activations import DeviceKind
from bertkit.planner.devices import Device, Evidence
from bertkit.planner.inference_memory import inference_memory
from bertkit.planner.rates import BYTES
from bertkit.planner.training_memory import Training, training_memory
from bertkit.planner.work import Work

# The workspace of cuBLAS, which torch's allocator counts: from memory.
GPU_WORKSPACE_BYTES = 32 * 2**20
# Of a GPU's memory its driver and context take about 0.6 GiB, and 4 % lie idle between tensors: from memory. An Apple
# GPU may use about three quarters of what it shares with the processor: from memory.
CONTEXT_BYTES = 600 * 2**20
IDLE_SHARE = 0.04
SHARED_SHARE = 0.75


@dataclass(frozen=True, slots=True)
class Needed:
    """Bytes on one device.

    Attributes:
        gradients, optimiser: 0 in inference.
        total: the most that is in use at once: less than the sum of the parts where these are not there together; on a
            CPU more, for the process keeps some of what is freed.
    """

    weights: int
    gradients: int
    optimiser: int
    activations: int
    workspace: int
    total: int


@dataclass(frozen=True, slots=True)
class MemorySharing:
    """How several devices divide one piece of training.

    Attributes:
        ranks: devices among which weights, gradients and the optimiser's state are divided.
        recompute: layers keep their input only.
    """

    ranks: int = 1
    recompute: bool = False


def needed(work: Work, device: Device, sharing: MemorySharing = MemorySharing()) -> Needed:
    """What one batch needs on one device."""
    kind: DeviceKind = "cpu" if device.row.kind == "cpu" else "cuda"
    half, software = BYTES[work.precision] < 4, work.software
    workspace = process.workspace_bytes(half=half, trains=work.trains) if kind == "cpu" else GPU_WORKSPACE_BYTES
    if not work.trains:
        found = inference_memory(
            work.config,
            work.lengths,
            precision=work.precision,
            device=kind,
            padded=not software.packed,
            stores_pairs=software.stores_pairs,
        )
        total = found.total + workspace
        if kind == "cpu":
            number = sum(work.computed) * max(2, BYTES[work.precision])
            blocks = {"stream_block": number * work.config.width, "wide_block": number * work.config.ffn_width}
            total = process.inference_bytes(found, **blocks, half=half)
        return Needed(found.weights, 0, 0, found.activations, workspace, total)
    tokens = sum(work.computed)
    how = Training(
        micro_batch_tokens=tokens,
        length=max(work.lengths),
        precision=training_precision(work),
        optimiser="adamw",
        recompute=sharing.recompute,
        ranks_sharing=sharing.ranks,
        device=kind,
        learnt=work.mode,  # type: ignore[arg-type]  # inference has been dealt with
        lora_rank=work.lora_rank,
        padded=not software.packed,
        stores_pairs=software.stores_pairs,
    )
    estimate = training_memory(work.config, how)
    total = estimate.total + workspace
    if kind == "cpu":
        total = process.training_bytes(estimate, half=half, recompute=sharing.recompute)
    return Needed(estimate.weights, estimate.gradients, estimate.optimiser, estimate.activations, workspace, total)


def training_precision(work: Work) -> str:
    """The precision as `TrainTable` has it: bertkit trains weights of half precision, others under autocast."""
    if BYTES[work.precision] == 4:
        return "float32"
    return "bfloat16-weights" if work.software.packed else "bfloat16"


def room(device: Device) -> tuple[int, Evidence] | None:
    """Bytes that a process can use of one device, and how that is known; None where the memory is not known."""
    row = device.row
    if row.memory_gb is None:
        return None
    whole = row.memory_gb * 2**30
    if row.kind == "apple":
        return int(whole * SHARED_SHARE), "memory"
    if row.kind == "cpu":
        return int(whole), row.evidence("memory_gb")
    return int(whole * (1 - IDLE_SHARE) - CONTEXT_BYTES), row.evidence("memory_gb")


def largest(fits: Callable[[int], bool], most: int = 2**24) -> int:
    """The largest number from 1 on that fits, where all smaller ones do too; 0 where none does."""
    if not fits(1):
        return 0
    low, high = 1, 2
    while high < most and fits(high):
        low, high = high, 2 * high
    high = min(high, most)
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if fits(middle) else (low, middle)
    return low


def largest_batch(work: Work, device: Device, length: int, sharing: MemorySharing = MemorySharing()) -> int:
    """How many sequences of a length fit on one device at once; 0 where not even one does, or nothing is known."""
    free = room(device)
    if free is None:
        return 0
    return largest(lambda count: _fits(work, device, (length,) * count, sharing, free[0]), most=2**20)


def longest_sequence(work: Work, device: Device, sharing: MemorySharing = MemorySharing()) -> int:
    """The longest single sequence that fits on one device, as far as the model reads."""
    free = room(device)
    if free is None:
        return 0
    return largest(lambda length: _fits(work, device, (length,), sharing, free[0]), most=work.config.max_length + 1)


def _fits(work: Work, device: Device, lengths: tuple[int, ...], sharing: MemorySharing, free: int) -> bool:
    return needed(replace(work, lengths=lengths), device, sharing).total <= free
