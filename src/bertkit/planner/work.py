"""What is to be done, as operations: each so much arithmetic, so many bytes through memory, so many kernels.

The counts are in `page_files/formulas.txt`, for the tokens that the program computes: padding included where it pads.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from bertkit.config.encoder import EncoderConfig
from bertkit.planner.formulas import Values
from bertkit.planner.inputs import mode_inputs, model_inputs, software_inputs, step_inputs
from bertkit.planner.rates import BYTES, Precision
from bertkit.planner.software import Software

Mode = Literal["inference", "fine-tuning", "lora", "pre-training"]


@dataclass(frozen=True, slots=True)
class Work:
    """One batch of something.

    Attributes:
        lengths: tokens of the sequences that are computed together.
        lora_rank: of the adapters, where `mode` is `lora`.
        updates: whether the weights change after this batch; not while gradients are summed over several.
    """

    config: EncoderConfig
    mode: Mode
    lengths: tuple[int, ...]
    precision: Precision
    software: Software
    lora_rank: int = 8
    updates: bool = True

    @property
    def trains(self) -> bool:
        """Whether there is a backward pass."""
        return self.mode != "inference"

    @property
    def computed(self) -> tuple[int, ...]:
        """Tokens of each sequence that are computed: with padding where the program pads."""
        return self.lengths if self.software.packed else (max(self.lengths),) * len(self.lengths)


@dataclass(frozen=True, slots=True)
class Operation:
    """Kernels of one kind, alike, all of them together.

    Attributes:
        kind: `product` (of matrices with weights), `attention` (products of tokens with tokens) or `pointwise`.
        numbers: that are moved, whatever their size: what counts where they stay in a CPU's caches.
        kernels: how many there are.
    """

    kind: Literal["product", "attention", "pointwise"]
    flops: float
    bytes: float
    numbers: float
    kernels: int


KINDS: dict[str, Literal["product", "attention", "pointwise"]] = {
    "qkv_product": "product",
    "attended_product": "product",
    "up_product": "product",
    "down_product": "product",
    "adapters": "product",
    "attention": "attention",
    "pointwise": "pointwise",
    "head": "product",
    "update": "pointwise",
}


def work_values(work: Work, more: Mapping[str, float], texts: Mapping[int, int] | None = None) -> Values:
    """What the formulas make of the work.

    Args:
        more: what is given besides: of a device, say.
        texts: how many there are of each length, instead of the work's.
    """
    given = {
        **model_inputs(work.config),
        **software_inputs(work.software, work.trains),
        **mode_inputs(work.mode, updates=work.updates, lora_rank=work.lora_rank),
        "size": BYTES[work.precision],
        **more,
    }
    return Values(given, texts or work.lengths, step_inputs(work.config))


def operations(work: Work) -> list[Operation]:
    """All that one batch asks of the device."""
    values = work_values(work, {})
    return [
        Operation(
            kind,
            values[f"{name}_all_flops"],
            values[f"{name}_all_bytes"],
            values[f"{name}_all_numbers"],
            int(values[f"{name}_times"] * values[f"{name}_kernels"]),
        )
        for name, kind in KINDS.items()
        if values[f"{name}_times"]
    ]


def arithmetic(work: Work) -> float:
    """The floating point operations of the batch."""
    return float(work_values(work, {})["batch_flops"])


def traffic(work: Work) -> float:
    """The bytes that the batch moves through the device's memory."""
    return float(work_values(work, {})["batch_bytes"])
