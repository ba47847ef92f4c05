"""The back end that computes with torch."""

from __future__ import annotations

import ctypes
import platform

import torch

from bertkit.batching.layout import PackedLayout
from bertkit.batching.packed import PackedBatch
from bertkit.batching.token_batch import TokenBatch
from bertkit.inference.backend import Backend, Outputs
from bertkit.inference.precision import make_network_ready
from bertkit.model.finite import blame, weights_of
from bertkit.model.network import Network
from bertkit.pretrained.checkpoint import Pretrained
from bertkit.tasks.contract import Task


class TorchBackend(Backend):
    """A network that is ready on its device.

    Args:
        dtype: the precision that it says it computes in; that of its weights where None.
    """

    def __init__(self, network: Network, dtype: str | None = None) -> None:
        self.network = network
        weight = network.encoder.embeddings.token.weight
        self.dtype = dtype or str(weight.dtype).removeprefix("torch.")
        self.device = str(weight.device)
        self._gives_vectors = network.head is None

    @torch.inference_mode()
    def run(self, batch: PackedBatch) -> Outputs:
        """The network's outputs."""
        if self._gives_vectors:
            give_back()
        tokens = on_device(batch, self.device)
        indices_M = batch.output_indices_M
        named_M = None if indices_M is None else torch.from_numpy(indices_M).to(self.device)
        return tuple(part.float().cpu().numpy() for part in self.network(tokens, named_M))

    def blame(self) -> str:
        """Which weight is not finite, if one is."""
        return blame(weights_of(encoder=self.network.encoder, head=self.network.head))


def give_back() -> None:
    """Has the C library give memory that nobody uses back to the system.

    Vectors of tokens are megabytes a batch, between small objects that stay for longer: left to itself the heap has
    ever more holes, and a process that streams them grows as if it kept them.
    """
    if platform.libc_ver()[0] == "glibc":
        ctypes.CDLL(None).malloc_trim(0)


def ready_backend(
    pretrained: Pretrained, task: Task, device: torch.device, dtype: torch.dtype, gradients: bool
) -> TorchBackend:
    """A checkpoint's network for a task, on its device and in its precision.

    Args:
        gradients: leave weights laid out so that gradients flow.
    """
    network = pretrained.build_network(task)
    make_network_ready(network, device, dtype, gradients=gradients)
    return TorchBackend(network, str(dtype).removeprefix("torch."))


def on_device(batch: PackedBatch, device: torch.device | str) -> TokenBatch:
    """The packed tokens as tensors."""
    ids_T, segments_T, positions_T = (
        torch.from_numpy(part).to(device, non_blocking=True)
        for part in (batch.ids_T, batch.segments_T, batch.positions_T)
    )
    return TokenBatch(ids_T, segments_T, positions_T, PackedLayout.of(batch.lengths, device))
