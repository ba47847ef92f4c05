"""Which kernel attention takes: one answer for the model, which calls it, and the planner, which counts for it."""

from __future__ import annotations

from typing import Literal

# One variable-length kernel for the whole batch; dropout by hand on a CPU; a dense kernel for each length.
AttentionKernel = Literal["varlen", "dropped", "by-length"]
Capability = tuple[int, int]  # of a GPU, as CUDA counts its generations: (8, 0) is Ampere's first


def attention_kernel(
    *,
    gpu: Capability | None,
    half: bool,
    head_width: int,
    grouped: bool,
    local: bool,
    biased: bool,
    drops: bool,
    learns: bool,
) -> AttentionKernel:
    """The kernel for queries, keys and values of these properties.

    Args:
        gpu: that they are on; None on other devices.
        half: whether they are float16 or bfloat16.
        grouped: whether there are fewer heads of keys and values than of queries.
        local: whether tokens see a window.
        biased: whether something is added to the scores.
        drops: whether weights are dropped.
        learns: whether there will be a backward pass.
    """
    if gpu is not None and half and not biased and takes_varlen(gpu, head_width, learns=learns):
        return "varlen"
    if drops and gpu is None and not (grouped or local or biased):
        return "dropped"
    return "by-length"


def takes_varlen(gpu: Capability, head_width: int, *, learns: bool) -> bool:
    """Whether a GPU's variable-length kernel takes heads of this width, in half precision.

    Args:
        learns: there will be a backward pass, for which some GPUs' multiprocessors have not enough memory.
    """
    small = (8, 6) <= gpu <= (8, 9) or gpu >= (12, 0)
    widest = 192 if learns and small else 256
    return gpu >= (8, 0) and head_width % 8 == 0 and head_width <= widest
