"""What autograd keeps of one token in a step of the encoder; the counts are in `page_files/formulas.txt`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from bertkit.config.encoder import EncoderConfig
from bertkit.planner.formulas import Values
from bertkit.planner.inputs import Given, kernel_inputs, model_inputs

FULL, HALF = 4, 2  # bytes of a float32 and of a bfloat16

DeviceKind = Literal["cpu", "cuda"]


@dataclass(frozen=True, slots=True)
class Path:
    """What decides which tensors there are.

    Attributes:
        stream: bytes of a number between the parts of a layer.
        product: bytes of a number inside them.
        recompute: layers keep their input only.
        padded: a program that fills sequences up, projects queries, keys and values apart, and computes all tokens of
            the last layer, whoever reads them.
        stores_pairs: attention in plain operations: scores, weights and what is left of them are tensors.
    """

    device: DeviceKind
    stream: int
    product: int
    recompute: bool = False
    padded: bool = False
    stores_pairs: bool = False

    def inputs(self, config: EncoderConfig) -> Given:
        """For the formulas."""
        return {
            **kernel_inputs(config, self.device, half=self.product == HALF),
            "is_cpu": self.device == "cpu",
            "stream": self.stream,
            "product": self.product,
            "size": self.product,
            "recompute": self.recompute,
            "padded": self.padded,
            "stores_pairs": self.stores_pairs,
        }


@dataclass(frozen=True, slots=True)
class StepBytes:
    """Of one token in one step of the encoder.

    Attributes:
        attention: what is kept up to attention's output: of every token.
        after: what is kept after that: of tokens that anyone wants to read.
        working: what the backward pass holds besides, at its fullest.
    """

    attention: int
    after: int
    working: int

    @property
    def kept(self) -> int:
        """All that is kept."""
        return self.attention + self.after


def training_path(
    precision: str,
    device: DeviceKind,
    recompute: bool = False,
    *,
    padded: bool = False,
    stores_pairs: bool = False,
) -> Path:
    """The path of training in a precision as `TrainTable` names it."""
    stream = HALF if precision == "bfloat16-weights" else FULL
    product = FULL if precision == "float32" else HALF
    return Path(device, stream, product, recompute, padded, stores_pairs)


def step_bytes(config: EncoderConfig, sight: str, length: int, path: Path) -> StepBytes:
    """Of one token of a sequence of `length` tokens.

    Args:
        sight: `G` or `L`, how far the step sees.
    """
    values = Values({**model_inputs(config), **path.inputs(config)}, [length])
    which = "local" if sight == "L" else "global"
    return StepBytes(*(int(values[f"{which}_{name}"]) for name in ("kept_before", "kept_after", "working")))
