from __future__ import annotations

from bertkit.planner.inference_memory import InferenceMemory
from bertkit.planner.process import HEAP_BLOCK_BYTES, inference_bytes, workspace_bytes


def test_half_precision_compiles_more_kernels_and_training_the_most() -> None:
    found = [workspace_bytes(half=half, trains=trains) for half, trains in ((False, True), (True, False), (True, True))]
    assert found == sorted({*found})


def test_a_process_takes_more_than_its_tensors_and_less_more_where_blocks_are_large() -> None:
    found = InferenceMemory(weights=400, stream=10**8, wide=10**8, pairs=0)
    small, large = (
        inference_bytes(found, stream_block=size, wide_block=size, half=False)
        for size in (HEAP_BLOCK_BYTES - 1, HEAP_BLOCK_BYTES)
    )
    assert 2 * 10**8 < large < small
