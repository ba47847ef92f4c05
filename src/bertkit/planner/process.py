"""What a process on a CPU takes for tensors of so many bytes: more, for its allocator keeps what is given back.

glibc serves blocks below 32 MiB from one heap. Freed ones stay there (`training/host_memory.py` asks for that), and the
next pass, whose blocks come in another order, does not fill all the holes. The factors are measured, in fresh processes
(`python -m benchmarks.planner_memory`); larger blocks come from the system and go back to it.
"""

from __future__ import annotations

from bertkit.planner.inference_memory import InferenceMemory
from bertkit.planner.training_memory import MemoryEstimate

HEAP_BLOCK_BYTES = 32 * 2**20
TRAINING_FACTOR = 1.5
INFERENCE_FACTOR, LARGE_BLOCKS_FACTOR = 2.05, 1.12
# Kernels that were compiled, and scratch memory; products of half precision have one for each number of rows.
WORKSPACE_BYTES, HALF_WORKSPACE_BYTES = 40_000_000, 60_000_000


def workspace_bytes(half: bool) -> int:
    """What a process takes beside tensors."""
    return WORKSPACE_BYTES + (HALF_WORKSPACE_BYTES if half else 0)


def training_bytes(estimate: MemoryEstimate, *, half: bool) -> int:
    """The peak of a process that trains."""
    tensors = estimate.weights + estimate.optimiser + TRAINING_FACTOR * estimate.working
    return int(tensors) + workspace_bytes(half)


def inference_bytes(found: InferenceMemory, *, block_bytes: int, half: bool) -> int:
    """The peak of a process that infers.

    Args:
        block_bytes: of one tensor between layers.
    """
    factor = INFERENCE_FACTOR if block_bytes < HEAP_BLOCK_BYTES else LARGE_BLOCKS_FACTOR
    tensors = found.weights + factor * found.activations + LARGE_BLOCKS_FACTOR * found.pairs
    return int(tensors) + workspace_bytes(half)
