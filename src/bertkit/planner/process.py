"""What a process on a CPU takes for tensors of so many bytes: more, for its allocator keeps what is given back.

glibc serves blocks below 32 MiB from one heap. Freed ones stay there (`training/host_memory.py` asks for that), and the
next pass, whose blocks come in another order, does not fill all the holes. The factors are measured, in fresh processes
(`python -m benchmarks.planner_memory`); larger blocks come from the system and go back to it.
"""

from __future__ import annotations

from bertkit.planner.inference_memory import InferenceMemory
from bertkit.planner.training_memory import MemoryEstimate

HEAP_BLOCK_BYTES = 32 * 2**20
TRAINING_FACTOR, RECOMPUTING_FACTOR = 1.5, 2.0  # layers that are computed again ask for blocks in yet another order
STREAM_FACTOR, WIDE_FACTOR, LARGE_BLOCKS_FACTOR = 3.2, 1.5, 1.12
# Kernels that were compiled, and scratch memory; products of half precision have one for each number of rows, and
# training three products for one of inference.
WORKSPACE_BYTES, HALF_WORKSPACE_BYTES = 40_000_000, 30_000_000


def workspace_bytes(*, half: bool, trains: bool) -> int:
    """What a process takes beside tensors."""
    return WORKSPACE_BYTES + (HALF_WORKSPACE_BYTES * (2 if trains else 1) if half else 0)


def training_bytes(estimate: MemoryEstimate, *, half: bool, recompute: bool) -> int:
    """The peak of a process that trains."""
    factor = RECOMPUTING_FACTOR if recompute else TRAINING_FACTOR
    tensors = estimate.weights + estimate.optimiser + factor * estimate.working
    return int(tensors) + workspace_bytes(half=half, trains=True)


def inference_bytes(found: InferenceMemory, *, stream_block: int, wide_block: int, half: bool) -> int:
    """The peak of a process that infers.

    Args:
        stream_block, wide_block: bytes of one tensor between layers, and of one inside the feed-forward part.
    """
    stream = STREAM_FACTOR if stream_block < HEAP_BLOCK_BYTES else LARGE_BLOCKS_FACTOR
    wide = WIDE_FACTOR if wide_block < HEAP_BLOCK_BYTES else LARGE_BLOCKS_FACTOR
    tensors = found.weights + stream * found.stream + wide * found.wide + LARGE_BLOCKS_FACTOR * found.pairs
    return int(tensors) + workspace_bytes(half=half, trains=False)
