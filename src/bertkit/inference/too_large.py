"""What is said of a batch that did not fit into memory: what there is, and what would fit, by the planner."""

from __future__ import annotations

import gc
from collections.abc import Sequence

import torch

from bertkit.errors import OutOfMemory, UserError
from bertkit.model.network import Network
from bertkit.planner.fitting import inference_remedy
from bertkit.planner.free_memory import free_host_bytes
from bertkit.planner.rates import precision_called


def batch_too_large(network: Network, dtype: str, lengths: Sequence[int]) -> OutOfMemory:
    """The error, to be made when the failed pass has been let go of.

    Args:
        dtype: that the network computes in.
        lengths: tokens of the sequences of the batch.
    """
    device = network.encoder.embeddings.token.weight.device
    free = _free_bytes(device)
    texts = (
        f"{len(lengths)} texts of {sum(lengths):,} tokens" if len(lengths) > 1 else f"a text of {lengths[0]:,} tokens"
    )
    remedy = None
    if free is not None:
        try:
            precision = precision_called(dtype)
            remedy = inference_remedy(network.encoder.config, precision, lengths, free, gpu=device.type != "cpu")
        except UserError:  # a precision that the planner does not know
            pass
    return OutOfMemory(f"{texts} do{'' if len(lengths) > 1 else 'es'} not fit into memory at once", remedy)


def _free_bytes(device: torch.device) -> int | None:
    gc.collect()
    if device.type == "cuda":
        torch.cuda.empty_cache()
        return torch.cuda.mem_get_info(device)[0]
    return free_host_bytes() if device.type == "cpu" else None
