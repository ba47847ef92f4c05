"""Which precision a model runs in, and making it ready for it."""

from __future__ import annotations

import logging

import torch
from torch import nn

from bertkit.config.kernels import linear_kind
from bertkit.errors import DeviceError, near_match
from bertkit.model.device import best_dtype, precision_of, processor
from bertkit.model.heads import MaskedLMHead, exact_weights
from bertkit.model.int8_machine import int8_kernels
from bertkit.model.linear import convert_linears
from bertkit.model.network import Network

logger = logging.getLogger(__name__)

# Of int8 it is the weights, and the products: what is between them is float32.
DTYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16, "float16": torch.float16, "int8": torch.int8}


def choose_dtype(name: str, device: torch.device, *, stored_int8: bool = False) -> torch.dtype:
    """The precision called `name`; `auto` is what the device is fastest in: bfloat16, float16 or float32.

    Args:
        stored_int8: the weights are stored in int8, which is then what `auto` is on a CPU.

    Raises:
        DeviceError: no such precision, or not on this device.
    """
    if name == "auto" and stored_int8 and device.type == "cpu":
        name = "int8"
    if name == "auto":
        return best_dtype(device)
    if name not in DTYPES:
        raise DeviceError(f"unknown dtype {name!r}{near_match(name, DTYPES)}", f"Choose auto, {', '.join(DTYPES)}.")
    return _int8_or_float32(device) if name == "int8" else DTYPES[name]


def _int8_or_float32(device: torch.device) -> torch.dtype:
    """int8, or float32 where this machine's int8 products are wrong or slow; a line of the log says so.

    Raises:
        DeviceError: the device is no CPU.
    """
    if device.type != "cpu":
        raise DeviceError(f"int8 is computed on CPUs, not on {device.type}", "Choose --device cpu, or --dtype auto.")
    kernels = int8_kernels()
    if kernels.pays:
        return torch.int8
    logger.warning("--dtype int8: %s", kernels)
    return torch.float32


def exact_dtype(name: str) -> torch.dtype:
    """The precision of explanations, which are differences too small for anything but float32; `auto` is that.

    Raises:
        DeviceError: another was asked for.
    """
    if name not in ("auto", "float32"):
        raise DeviceError(f"explanations are computed in float32, not in {name}", "Choose --dtype auto or float32.")
    return torch.float32


def make_network_ready(network: Network, device: torch.device, dtype: torch.dtype, *, gradients: bool = False) -> None:
    """Make a network ready to answer, one part after the other; see `make_ready`."""
    if isinstance(network.head, MaskedLMHead) and dtype != torch.float32:
        network.head.keep_exact(network.encoder)
    for part in (network.encoder, network.head):
        if part is not None:
            make_ready(part, device, dtype, gradients=gradients)


def make_ready(module: nn.Module, device: torch.device, dtype: torch.dtype, *, gradients: bool = False) -> None:
    """Move `module` to its device and precision and lay its weights out for the kernels there, in place.

    The last layers of heads are float32 in every precision. In int8 are those parts that were made so.

    Args:
        gradients: leave the weights' layout as it is: packed ones let no gradient through.
    """
    kind = linear_kind(processor(device), precision_of(dtype), learns=gradients)
    dtype = torch.float32 if dtype == torch.int8 else dtype
    convert_linears(module, kind, dtype)
    module.requires_grad_(False)
    kept = {weight: weight.detach().to(device=device, dtype=torch.float32) for weight in exact_weights(module)}
    module.to(device=device, dtype=dtype)
    for weight, values in kept.items():
        weight.data = values
