"""How long a batch takes: a roofline for each operation, whose heights depend on the device and on the size.

A kernel takes the longer of its arithmetic and its traffic, and a fixed time besides, in which the chip fills and
empties: so small products reach less of the peak than large ones. What large products reach is a power of the watts
that a chip has for each TFLOP/s of its peak: an L4 (72 W) or an H100 PCIe (350 W) must clock down where a 3090 (350 W
for 71 TFLOP/s) need not. Few constants, each of a physical thing, are fitted to published figures
(`benchmarks/planner.py` says which ones and how well), and the same for all devices and programs.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Literal

from bertkit.errors import UserError
from bertkit.planner.devices import Device
from bertkit.planner.rates import BYTES, Precision, rate
from bertkit.planner.work import Operation, Work, operations

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


# `python -m benchmarks.planner --fit` printed these on 2026-11-28.
FITTED = Constants(
    product_share=0.6523,
    watts_power=0.7,
    most_share=0.8525,
    early_share=0.497,
    shader_share=0.664,
    attention_share=0.9,
    bandwidth_share=0.75,
    kernel_us=5.5579,
    half_outputs=147.0262,
    excess_traffic=1.2809,
)


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


# What a CPU's core moves outside products, numbers a second: from BERT-base of 8 texts of 128 tokens on two cores of
# an AMD EPYC (Zen 4), 2,016 tokens/s in bfloat16 and 1,144 in float32 where its products alone would allow 2,500 and
# 1,300: 0.1 ms a token for the 184,000 numbers of twelve layers.
CORE_NUMBERS_PER_SECOND = 0.92e9
EARLY = {"volta", "turing"}
TENSOR_CORES: set[Precision] = {"tf32", "bfloat16", "float16", "fp8", "int8"}


def batch_time(work: Work, device: Device, constants: Constants = FITTED) -> Time:
    """How long one device takes for the batch.

    Raises:
        UserError: the device's rate in this precision, or its bandwidth, is not known.
    """
    peak = _known_rate(device, work.precision)
    if device.row.kind == "cpu":
        return _on_cores(work, device, peak)
    if device.row.bandwidth_gb_s is None:
        raise UserError(f"{device.name}: its bandwidth is not known", _OWN_FIGURE)
    bandwidth = device.row.bandwidth_gb_s * 1e9 * constants.bandwidth_share
    share = _product_share(device, work.precision, constants)
    half = _attention_peak(device, work.precision, peak)
    kernel = constants.kernel_us * 1e-6 / (constants.early_share if device.row.generation in EARLY else 1.0)
    compute = moving = fixed = host = 0.0
    for operation in operations(work):
        heights = {
            "product": peak * share,
            "attention": half * share * constants.attention_share,
            "pointwise": peak,
        }
        excess = constants.excess_traffic if _under_autocast(work, operation) else 1.0
        arithmetic = operation.flops / heights[operation.kind] / _busy(operation, device, constants)
        traffic = operation.bytes * excess / bandwidth
        compute += arithmetic if arithmetic >= traffic else 0.0
        moving += traffic if traffic > arithmetic else 0.0
        fixed += operation.kernels * kernel
        host += operation.kernels * (device.row.launch_us or operation.dispatch_us) * 1e-6
    # The host runs ahead of the device; it is waited for only where it takes longer than all that the device does.
    launch = fixed + max(0.0, host - (compute + moving + fixed))
    return Time(compute, moving, launch, sum(o.flops for o in operations(work)), peak)


_OWN_FIGURE = "Give it in a TOML file with --hardware; docs/planning.md shows one."


def _known_rate(device: Device, precision: Precision) -> float:
    found = rate(device, precision)
    if found is None:
        known = [name for name in BYTES if rate(device, name) is not None]
        remedy = f"Choose --precision {' or '.join(known)}." if known else _OWN_FIGURE
        raise UserError(f"{device.name}: its rate in {precision} is not known", remedy)
    return found.flops


def _product_share(device: Device, precision: Precision, constants: Constants) -> float:
    row = device.row
    if precision not in TENSOR_CORES or row.kind == "apple":
        return constants.shader_share
    half = row.fp16_tflops or row.bf16_tflops
    watts = 1.0 if row.watts is None or half is None else row.watts / half
    early = constants.early_share if row.generation in EARLY else 1.0
    share: float = constants.product_share * watts**constants.watts_power
    return min(constants.most_share, share) * early


def _busy(operation: Operation, device: Device, constants: Constants) -> float:
    """The share of a chip that a product of this size keeps at work."""
    tflops = device.row.fp16_tflops or device.row.bf16_tflops
    if not operation.outputs or tflops is None:
        return 1.0
    return operation.outputs / (operation.outputs + constants.half_outputs * tflops)


def _attention_peak(device: Device, precision: Precision, peak: float) -> float:
    """Attention is computed in half precision where weights are in fewer bits."""
    if BYTES[precision] > 1:
        return peak
    half = rate(device, "float16") or rate(device, "bfloat16")
    return peak if half is None else half.flops


def _under_autocast(work: Work, operation: Operation) -> bool:
    return work.trains and not work.software.packed and BYTES[work.precision] == 2 and operation.kind != "product"


def _on_cores(work: Work, device: Device, reached: float) -> Time:
    """A CPU's rates are those that products reach; what lies between them stays in caches."""
    compute = moving = 0.0
    of_a_core = CORE_NUMBERS_PER_SECOND if device.row.numbers_g_s is None else 1e9 * device.row.numbers_g_s
    numbers_a_second = of_a_core * device.count
    for operation in operations(work):
        if operation.kind == "pointwise":
            moving += operation.numbers / numbers_a_second
        else:
            compute += operation.flops / reached
    return Time(compute, moving, 0.0, sum(o.flops for o in operations(work)), reached)


def constant_names() -> list[str]:
    """The names of what is fitted."""
    return [field.name for field in fields(Constants)]
