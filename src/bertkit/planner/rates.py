"""How fast a device multiplies in each precision: its row's figure, or a rule that gives it from the row's others.

The rules are of dense products that sum in float32 (int32 for int8), which is what PyTorch computes:
  bf16   as fp16, from Ampere on
  tf32   half of fp16, from Ampere on
  int8   twice fp16, from Turing on; four times on GeForce, whose fp16 is halved where it sums in float32
  fp8    twice fp16, from Ada on; four times on GeForce
  fp32   half of fp16 on GeForce, a quarter on professional and data-centre cards of Turing, Ampere and Ada, on which
         the shaders compute it
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

from bertkit.config import kernels
from bertkit.errors import UserError, near_match
from bertkit.planner.devices import Device, DeviceRow, Evidence, Kind

Precision = Literal["float32", "tf32", "bfloat16", "float16", "fp8", "int8"]
BYTES: dict[Precision, int] = {"float32": 4, "tf32": 4, "bfloat16": 2, "float16": 2, "fp8": 1, "int8": 1}
FIELDS: dict[Precision, str] = {
    "float32": "fp32_tflops",
    "tf32": "tf32_tflops",
    "bfloat16": "bf16_tflops",
    "float16": "fp16_tflops",
    "fp8": "fp8_tflops",
    "int8": "int8_tflops",
}
_SPELLINGS: dict[str, Precision] = {
    "fp32": "float32",
    "f32": "float32",
    "single": "float32",
    "bf16": "bfloat16",
    "fp16": "float16",
    "f16": "float16",
    "half": "float16",
    "mixed": "float16",
    "amp": "float16",
    "float8": "fp8",
    "i8": "int8",
}
TORCH_KINDS: dict[Kind, str] = {"cpu": "cpu", "gpu": "cuda", "apple": "mps"}
BFLOAT16_CPUS = {"amx", "avx512-bf16"}
# The first of each generation of NVIDIA's.
CAPABILITIES: dict[str, kernels.Capability] = {
    "volta": (7, 0),
    "turing": (7, 5),
    "ampere": (8, 0),
    "ada": (8, 9),
    "hopper": (9, 0),
    "blackwell": (10, 0),
}
_SINCE_AMPERE = {"ampere", "ada", "hopper", "blackwell"}
_SINCE_ADA = {"ada", "hopper", "blackwell"}


@dataclass(frozen=True, slots=True)
class Rate:
    """FLOP/s of all cores of a CPU, or of one GPU, and how that is known."""

    flops: float
    evidence: Evidence


def precision_called(name: str) -> Precision:
    """The precision that a user means (`fp16`, `bf16`, `float32`).

    Raises:
        UserError: there is none such.
    """
    plain = name.strip().lower()
    for precision in get_args(Precision):
        if precision == plain:
            return precision  # type: ignore[no-any-return]
    if plain in _SPELLINGS:
        return _SPELLINGS[plain]
    known = [*get_args(Precision), *_SPELLINGS]
    raise UserError(
        f"unknown precision {name!r}{near_match(plain, known)}", f"Choose {', '.join(get_args(Precision))}."
    )


def rate(device: Device, precision: Precision) -> Rate | None:
    """How fast one device multiplies in a precision; None where neither its row nor a rule says so."""
    row, cores = device.row, device.count if device.row.kind == "cpu" else 1
    own = getattr(row, FIELDS[precision])
    if own is not None:
        return Rate(own * cores * 1e12, row.evidence(FIELDS[precision]))
    factor = None if row.fp16_tflops is None else _factor(row, precision)
    if factor is None or row.fp16_tflops is None:
        return None
    remembered = row.evidence("fp16_tflops") == "memory"
    return Rate(row.fp16_tflops * factor * 1e12, "memory" if remembered else "rule")


def _factor(row: DeviceRow, precision: Precision) -> float | None:
    """The rate as a multiple of fp16's."""
    if row.kind == "apple":
        return 1.0 if precision == "bfloat16" and row.generation not in ("m1", "m2") else None
    geforce, generation = row.line == "geforce", row.generation
    if precision == "bfloat16":
        return 1.0 if generation in _SINCE_AMPERE or generation.startswith("cdna") else None
    if precision == "tf32":
        return 0.5 if generation in _SINCE_AMPERE else None
    if precision == "fp8":
        return (4.0 if geforce else 2.0) if generation in _SINCE_ADA else None
    if precision == "int8":
        return (4.0 if geforce else 2.0) if generation in _SINCE_AMPERE | {"turing"} else None
    if precision == "float32":
        if geforce:
            return 0.5
        return 0.25 if generation in _SINCE_AMPERE | {"turing"} and generation != "hopper" else None
    return None


def best_precision(device: Device) -> Precision:
    """What bertkit's `auto` computes in there; on chips that it does not know, the precision of the highest rate."""
    known_as = processor_of(device.row)
    return _fastest(device) if known_as is None else kernels.best_precision(known_as)


def processor_of(row: DeviceRow) -> kernels.Processor | None:
    """What choices of kernels would ask about the device; None where its chips are none that bertkit chooses for."""
    kind = TORCH_KINDS[row.kind]
    if kind != "cuda":
        return kernels.Processor(kind, bfloat16=row.generation in BFLOAT16_CPUS)
    capability = CAPABILITIES.get(row.generation)
    return None if capability is None else kernels.Processor(kind, capability)


def _fastest(device: Device) -> Precision:
    order: tuple[Precision, ...] = ("bfloat16", "float16", "float32")
    known = [(found.flops, precision) for precision in order if (found := rate(device, precision)) is not None]
    if not known:
        return "float32"
    fastest = max(flops for flops, _ in known)
    return next((precision for flops, precision in known if flops >= fastest), "float32")
