"""The back end that computes with torch."""

from __future__ import annotations

import torch

from bertkit.batching.layout import PackedLayout
from bertkit.batching.packed import PackedBatch
from bertkit.batching.token_batch import TokenBatch
from bertkit.errors import DeviceError, UserError
from bertkit.inference.backend import Backend, Outputs
from bertkit.inference.precision import choose_dtype, exact_dtype, make_network_ready
from bertkit.inference.too_large import batch_too_large
from bertkit.model.device import choose_device
from bertkit.model.finite import blame, weights_of
from bertkit.model.fixed_rows import fixed_rows, unfixed
from bertkit.model.int8_parts import quantise
from bertkit.model.network import Network
from bertkit.model.out_of_memory import ran_out_of_memory
from bertkit.pretrained.checkpoint import Pretrained
from bertkit.tasks.contract import Task


class TorchBackend(Backend):
    """A network that is ready on its device.

    Args:
        dtype: the precision that it says it computes in; that of its weights where None.
        invariant: whether no bit of a text's outputs depends on the batch that it is in, which takes longer.
    """

    def __init__(self, network: Network, dtype: str | None = None, *, invariant: bool = False) -> None:
        self.network = network
        self.invariant = invariant
        weight = network.encoder.embeddings.token.weight
        self.dtype = dtype or str(weight.dtype).removeprefix("torch.")
        self.device = str(weight.device)

    def run(self, batch: PackedBatch) -> Outputs:
        """The network's outputs.

        Raises:
            OutOfMemory: the batch is too large, saying what would fit.
        """
        try:
            return self._computed(batch)
        except Exception as error:
            if not ran_out_of_memory(error):
                raise
        # After the block: what the failed pass held has been let go of.
        raise batch_too_large(self.network, self.dtype, batch.lengths)

    @torch.inference_mode()
    def _computed(self, batch: PackedBatch) -> Outputs:
        tokens = on_device(batch, self.device)
        indices_M = batch.output_indices_M
        named_M = None if indices_M is None else torch.from_numpy(indices_M).to(self.device)
        with fixed_rows(self.invariant):
            return tuple(part.float().cpu().numpy() for part in self.network(tokens, named_M))

    def of(self, network: Network) -> TorchBackend:
        """A back end like this one, of another network."""
        return TorchBackend(network, self.dtype, invariant=self.invariant)

    def blame(self) -> str:
        """Which weight is not finite, if one is."""
        return blame(weights_of(encoder=self.network.encoder, head=self.network.head))


def open_torch_backend(
    pretrained: Pretrained, task: Task, *, dtype: str, device: str, explainable: bool, invariant: bool = False
) -> TorchBackend:
    """A checkpoint's network for a task, on its device and in its precision.

    Args:
        dtype, device: as `bertkit.load` has them.
        explainable: float32, and weights laid out so that gradients flow.
        invariant: no bit of an answer depends on the batch.

    Raises:
        DeviceError: no such device or precision, or not on this machine; or nothing is invariant there.
        MissingHead, ConfigError, BadCheckpoint: as `Pretrained.build_network`.
    """
    place = choose_device(device)
    name = dtype.removeprefix("torch.")
    int8 = pretrained.int8 is not None
    precision = exact_dtype(name) if explainable else choose_dtype(name, place, stored_int8=int8)
    backend = ready_backend(pretrained, task, place, precision, gradients=explainable)
    if invariant:
        _check_can_be_invariant(backend.network, place)
        backend.invariant = True
    return backend


def _check_can_be_invariant(network: Network, device: torch.device) -> None:
    if device.type != "cpu":
        raise DeviceError(
            f"answers on {device.type} depend in their last bits on the batch", "Choose --device cpu with --invariant."
        )
    if layer := unfixed(network):
        raise DeviceError(
            f"the layer {layer} is torch's own, whose last bits depend on the batch",
            "Leave out --invariant, or try --dtype float32 on a processor whose kernels take packed weights.",
        )


def ready_backend(
    pretrained: Pretrained, task: Task, device: torch.device, dtype: torch.dtype, *, gradients: bool = False
) -> TorchBackend:
    """A checkpoint's network for a task, on a device and in a precision.

    Args:
        gradients: leave weights laid out so that gradients flow.

    Raises:
        MissingHead, ConfigError, BadCheckpoint: as `Pretrained.build_network`.
    """
    int8 = dtype == torch.int8
    network = pretrained.build_network(task, int8=int8)
    if int8 and pretrained.int8 is None:
        quantise(network)
    make_network_ready(network, device, dtype, gradients=gradients)
    return TorchBackend(network, str(dtype).removeprefix("torch."))


def network_of(backend: Backend) -> Network:
    """The network that a back end computes.

    Raises:
        UserError: another back end than torch does.
    """
    if isinstance(backend, TorchBackend):
        return backend.network
    raise UserError(
        f"the network is in {type(backend).__name__}, not in torch", "Load a folder of one network, without backend=."
    )


def on_device(batch: PackedBatch, device: torch.device | str) -> TokenBatch:
    """The packed tokens as tensors."""
    ids_T, segments_T, positions_T = (
        torch.from_numpy(part).to(device, non_blocking=True)
        for part in (batch.ids_T, batch.segments_T, batch.positions_T)
    )
    return TokenBatch(ids_T, segments_T, positions_T, PackedLayout.of(batch.lengths, device))
