"""Which kernel attention takes: one answer for the model, which calls it, and the planner, which counts for it."""

from __future__ import annotations

from typing import Literal

# One variable-length kernel for the whole batch; dropout by hand on a CPU; a dense kernel for each length.
AttentionKernel = Literal["varlen", "dropped", "by-length"]


def attention_kernel(
    *, on_cuda: bool, half: bool, head_width: int, grouped: bool, local: bool, biased: bool, drops: bool
) -> AttentionKernel:
    """The kernel for queries, keys and values of these properties.

    Args:
        half: whether they are float16 or bfloat16.
        grouped: whether there are fewer heads of keys and values than of queries.
        local: whether tokens see a window.
        biased: whether something is added to the scores.
        drops: whether weights are dropped.
    """
    if on_cuda and half and head_width % 8 == 0 and not biased:  # what the kernel takes
        return "varlen"
    if drops and not on_cuda and not (grouped or local or biased):
        return "dropped"
    return "by-length"
