"""What a piece of work needs of a device's memory, and what of it fits."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from bertkit.planner.devices import Device, Evidence
from bertkit.planner.formulas import Values
from bertkit.planner.inputs import device_inputs, kernel_inputs
from bertkit.planner.rates import BYTES
from bertkit.planner.work import Work, work_values


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
    return needed_of(memory_values(work, device, sharing))


def needed_of(values: Values) -> Needed:
    """What the formulas say of memory."""
    names = ("weights", "gradients", "optimiser", "activations")
    return Needed(
        **{name: int(values[f"{name}_bytes"]) for name in names},
        workspace=int(values["workspace"]),
        total=int(values["needed_bytes"]),
    )


def memory_values(
    work: Work,
    device: Device,
    sharing: MemorySharing = MemorySharing(),
    more: Mapping[str, float] | None = None,
    texts: Mapping[int, int] | None = None,
) -> Values:
    """What the formulas make of the work on one device.

    Args:
        more: what is given besides.
        texts: how many there are of each length, instead of the work's.
    """
    kind = "cpu" if device.row.kind == "cpu" else "cuda"
    kernels = kernel_inputs(work.config, kind, half=BYTES[work.precision] < 4)
    given = {"ranks_sharing": sharing.ranks, "recompute": sharing.recompute}
    return work_values(work, {**kernels, **device_inputs(device), **given, **(more or {})}, texts)


def room(device: Device) -> tuple[int, Evidence] | None:
    """Bytes that a process can use of one device, and how that is known; None where the memory is not known."""
    if device.row.memory_gb is None:
        return None
    evidence = "memory" if device.row.kind == "apple" else device.row.evidence("memory_gb")
    return int(Values(device_inputs(device))["room_bytes"]), evidence


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
    return largest(lambda count: _fits(work, device, {length: count}, sharing, free[0]), most=2**20)


def longest_sequence(work: Work, device: Device, sharing: MemorySharing = MemorySharing()) -> int:
    """The longest single sequence that fits on one device, as far as the model reads."""
    free = room(device)
    if free is None:
        return 0
    return largest(lambda length: _fits(work, device, {length: 1}, sharing, free[0]), most=work.config.max_length + 1)


def _fits(work: Work, device: Device, texts: Mapping[int, int], sharing: MemorySharing, free: int) -> bool:
    return bool(memory_values(work, device, sharing, texts=texts)["needed_bytes"] <= free)
