"""How long a batch takes: a roofline for each operation, whose heights depend on the device and on the size.

A kernel takes the longer of its arithmetic and its traffic, and a fixed time besides, in which the chip fills and
empties: so small products reach less of the peak than large ones. What large products reach is a power of the watts
that a chip has for each TFLOP/s of its peak: an L4 (72 W) or an H100 PCIe (350 W) must clock down where a 3090 (350 W
for 71 TFLOP/s) need not. Few constants, each of a physical thing, are fitted to published figures
(`benchmarks/planner.py` says which ones and how well), and the same for all devices and programs.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields
from typing import Literal

from bertkit.errors import UserError
from bertkit.planner.devices import Device
from bertkit.planner.formulas import Values, formulas
from bertkit.planner.inputs import device_inputs, rate_inputs
from bertkit.planner.rates import BYTES, rate
from bertkit.planner.work import Work, work_values

Binding = Literal["compute", "bandwidth", "launch"]


@dataclass(frozen=True, slots=True)
class Constants:
    """What is fitted.

    Attributes:
        product_share: of the peak that large products reach with one watt for each TFLOP/s of fp16.
        watts_power: the exponent of the watts for each TFLOP/s.
        most_share: of the peak, however many watts there are.
        early_share: what tensor cores before Ampere reach of the above; their kernels' fixed times are longer by as
            much.
        shader_share: of the peak that products reach which tensor cores do not compute.
        attention_share: what fused attention reaches of what products do.
        bandwidth_share: of the bandwidth.
        kernel_us: the fixed time of a kernel.
        half_outputs: of a product, for each TFLOP/s of fp16: with so many it keeps half of the chip at work.
        excess_traffic: of training under autocast, as a multiple of what is counted for half precision: some of it is
            in float32.
    """

    product_share: float
    watts_power: float
    most_share: float
    early_share: float
    shader_share: float
    attention_share: float
    bandwidth_share: float
    kernel_us: float
    half_outputs: float
    excess_traffic: float


FITTED = Constants(**{field.name: formulas()[field.name].number for field in fields(Constants)})


@dataclass(frozen=True, slots=True)
class Time:
    """Of one batch on one device.

    Attributes:
        compute, bandwidth: seconds of operations that are bound by it, their fixed times not counted.
        launch: fixed times of kernels, and what the device waits for the host.
        peak_flops: of the precision.
    """

    compute: float
    bandwidth: float
    launch: float
    flops: float
    peak_flops: float

    @property
    def seconds(self) -> float:
        """All of it."""
        return self.compute + self.bandwidth + self.launch

    @property
    def binds(self) -> Binding:
        """What most of it is."""
        parts: dict[Binding, float] = {"compute": self.compute, "bandwidth": self.bandwidth, "launch": self.launch}
        return max(parts, key=lambda name: parts[name])

    @property
    def peak_share(self) -> float:
        """Of the peak, what is reached."""
        return self.flops / self.seconds / self.peak_flops


def batch_time(work: Work, device: Device, constants: Constants = FITTED) -> Time:
    """How long one device takes for the batch.

    Raises:
        UserError: the device's rate in this precision, or its bandwidth, is not known.
    """
    if (unknown := _unknown(work, device)) is not None:
        raise UserError(*unknown)
    return time_of(speed_values(work, device, constants))


def unknown_time(work: Work, device: Device) -> str | None:
    """What is not known that the time would take, in words; None where all is."""
    unknown = _unknown(work, device)
    return None if unknown is None else f"{unknown[0]}. {unknown[1]}"


def speed_values(work: Work, device: Device, constants: Constants = FITTED) -> Values:
    """What the formulas make of the work on the device, whose rate is known."""
    given = {**asdict(constants), **device_inputs(device), **rate_inputs(device, work.precision)}
    return work_values(work, given)


def time_of(values: Values) -> Time:
    """What the formulas say of one device."""
    names = ("compute_seconds", "bandwidth_seconds", "launch_seconds", "batch_flops", "peak_flops")
    return Time(*(values[name] for name in names))


_OWN_FIGURE = "Give it in a TOML file with --hardware; docs/planning.md shows one."


def _unknown(work: Work, device: Device) -> tuple[str, str] | None:
    if rate(device, work.precision) is None:
        known = [name for name in BYTES if rate(device, name) is not None]
        remedy = f"Choose --precision {' or '.join(known)}." if known else _OWN_FIGURE
        return f"{device.name}: its rate in {work.precision} is not known", remedy
    if device.row.kind != "cpu" and device.row.bandwidth_gb_s is None:
        return f"{device.name}: its bandwidth is not known", _OWN_FIGURE
    return None


def constant_names() -> list[str]:
    """The names of what is fitted."""
    return [field.name for field in fields(Constants)]
