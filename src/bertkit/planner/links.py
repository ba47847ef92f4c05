"""What joins devices, and what it costs them to train together.

Each rank has a share of the batch, and all sum their gradients once a step (`training/parallelism.py`), around a ring:
each sends its gradients about twice. Nothing else is done meanwhile.
"""

from __future__ import annotations

from bertkit.errors import UserError, near_match
from bertkit.planner.devices import Device
from bertkit.planner.formulas import Values

# One way, GB/s. A rule of the standards, not a measurement: what a program reaches is less.
LINKS = {
    "pcie3": 16.0,
    "pcie4": 32.0,
    "pcie5": 64.0,
    "nvlink3": 300.0,
    "nvlink4": 450.0,
    "nvlink5": 900.0,
    "infiniband-hdr": 25.0,
    "infiniband-ndr": 50.0,
    "ethernet-25": 3.0,
    "ethernet-100": 12.0,
    "ethernet-400": 50.0,
}


def link_bandwidth(device: Device, link: str | None = None) -> float | None:
    """Bytes a second, one way, between several of the device; None where neither is said.

    Args:
        link: what they are joined by, where that is not the device's own.

    Raises:
        UserError: there is no such link.
    """
    name = link or device.row.link
    if name is None:
        return None
    if name not in LINKS:
        raise UserError(f"unknown link {name!r}{near_match(name, LINKS)}", f"Choose {', '.join(LINKS)}.")
    return LINKS[name] * 1e9


def summing_seconds(gradient_bytes: float, ranks: int, bandwidth: float) -> float:
    """How long all ranks take to sum their gradients."""
    given = {"trains": True, "gradient_bytes": gradient_bytes, "ranks": ranks, "link_bytes_s": bandwidth}
    return float(Values(given)["summing_seconds"])
