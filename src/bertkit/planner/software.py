"""What programs do beside the products that arithmetic asks for: what they move, keep and start.

The numbers are counted from what each program does to a layer. `W` is the model's width, `F` that of the feed-forward
part. Forward and eager, with dropout: two dropouts (5 W), two sums (6 W), two norms (4 W), the activation (2 F). Its
backward pass: norms 10 W, dropouts 5 W, sums 6 W, biases 5 W + F, the activation 3 F. A program that fuses writes only
what the next product reads.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

from bertkit.errors import UserError, near_match

Name = Literal["bertkit", "compiled", "transformers", "unfused", "tensorrt"]


@dataclass(frozen=True, slots=True)
class Software:
    """How a program runs an encoder.

    Attributes:
        packed: computes tokens only; else every text is filled up to the longest of its batch.
        stores_pairs: writes a number for each pair of tokens that see each other, instead of keeping it in the chip.
        width_passes, ffn_passes: numbers moved through memory for a token in a layer, in W and in F, outside products:
            inference, the forward pass of training, its backward pass.
        rotary_passes: the same for turning queries and keys, in W.
        pair_passes: the same for each pair of tokens and head, where pairs are stored: inference, training.
        kernels: started for a layer: inference, forward and backward of training.
        dispatch_us: what the host takes to start one, in inference and in training's backward pass.
        predicts_all: gives every token logits over the vocabulary, not only those that are masked.
        measured: where `dispatch_us` is from.
    """

    name: Name
    packed: bool
    stores_pairs: bool
    width_passes: tuple[float, float, float]
    ffn_passes: tuple[float, float, float]
    rotary_passes: float
    pair_passes: tuple[float, float]
    kernels: tuple[int, int, int]
    dispatch_us: tuple[float, float]
    predicts_all: bool
    measured: str


# The host's time for a kernel, bertkit and transformers: one text of 16 tokens through BERT-base on an H100 took
# 2.75 and 8.52 ms (benchmarks/results/encoders_h100_2026-11-26.txt), which is 128 and 178 kernels.
_H100 = "one text of 16 tokens through BERT-base on an H100"
SOFTWARE: dict[Name, Software] = {
    one.name: one
    for one in (
        Software("bertkit", True, False, (10, 15, 26), (2, 2, 4), 32, (6, 20), (10, 12, 24), (21, 10), False, _H100),
        Software(
            "compiled", True, False, (6, 9, 15), (2, 2, 3), 4, (6, 20), (7, 8, 16), (4, 4), False, "no measurement"
        ),
        Software(
            "transformers", False, False, (10, 15, 26), (2, 2, 4), 20, (6, 20), (14, 16, 28), (48, 10), True, _H100
        ),
        Software(
            "unfused",
            False,
            True,
            (14, 19, 30),
            (2, 2, 4),
            20,
            (6, 20),
            (18, 22, 40),
            (10, 8),
            False,
            "no measurement",
        ),
        Software("tensorrt", True, False, (6, 6, 0), (0, 0, 0), 4, (3, 0), (7, 7, 0), (1, 1), False, "no measurement"),
    )
}


def software_called(name: str) -> Software:
    """The program that a user means.

    Raises:
        UserError: there is none such.
    """
    plain = name.strip().lower()
    if plain in SOFTWARE:
        return SOFTWARE[plain]
    raise UserError(
        f"unknown engine {name!r}{near_match(plain, get_args(Name))}", f"Choose {', '.join(get_args(Name))}."
    )
