"""What timing asks of a device: its name, and to have done all that it was given."""

from __future__ import annotations

import torch


def device_name(device: torch.device) -> str | None:
    """Of a GPU as its maker calls it; None for the processor."""
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    return None if device.type == "cpu" else device.type


def wait_for(device: torch.device) -> None:
    """Returns when the device is idle: a GPU is given work ahead, and a clock would stop before it is done."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    elif device.type == "mps":
        torch.mps.synchronize()
