"""Whether this machine multiplies int8 matrices, how exactly, and whether it is worth it: measured, once a process.

A CPU without VNNI instructions adds two products of a byte and a weight in 16 bits, which run over silently: products
are then wrong by tenths. With weights of 7 bits they fit. No flag of the processor is trusted for that, nor for speed:
some kernels are reference code, thousands of times slower than float32.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

import numpy as np
import torch
from torch import Tensor

from bertkit.model.quantising import LARGEST, MIDDLE, NARROW

ROWS, WIDTH = 128, 768  # of the products that are timed: BERT-base's, of some sentences
ROUNDS = 9
# As fast as float32, or faster, int8 is on all machines whose kernels are no reference code. What is measured must not
# be near the bound: on a busy machine the same product reads between one and five.
LEAST_SPEED = 0.5


@dataclass(frozen=True, slots=True)
class Int8Kernels:
    """What was found.

    Attributes:
        bits: of weights with which products are exact: 8, or 7; 0 where they never are.
        speed: of a product, in those of float32: 2 is twice as fast.
    """

    bits: int
    speed: float

    @property
    def pays(self) -> bool:
        """Whether int8 is to be used."""
        return self.bits > 0 and self.speed > LEAST_SPEED

    def __str__(self) -> str:
        """In words."""
        if not self.bits:
            return "int8 products are not exact on this machine; float32 is computed"
        times = f"up to {self.speed:.1f} times as fast as float32"
        return f"weights of {self.bits} bits, exact, products {times}" + ("" if self.pays else "; float32 is computed")


@cache
def int8_kernels() -> Int8Kernels:
    """What this machine can do, in some 20 ms."""
    if not torch.backends.mkldnn.is_available():  # type: ignore[no-untyped-call]
        return Int8Kernels(0, 0.0)
    bits = next((bits for bits, largest in ((8, LARGEST), (7, NARROW)) if _is_exact(largest)), 0)
    return Int8Kernels(bits, _speed() if bits else 0.0)


def int8_product(bytes_TI: Tensor, packed: Tensor, scale_O: Tensor) -> Tensor:
    """What the kernel makes of bytes, their zero in the middle, and a packed weight, (T, O) float32."""
    zeros_O = torch.zeros(len(scale_O), dtype=torch.int64)
    out_TO: Tensor = torch.ops.onednn.qlinear_pointwise(
        *(bytes_TI, 1.0, MIDDLE, packed, scale_O, zeros_O, None, 1.0, 0, torch.float32, "none", [], "")
    )
    return out_TO


@torch.inference_mode()
def _is_exact(largest: int) -> bool:
    """Whether products with weights up to `largest` are sums of whole numbers, the worst ones included."""
    random = np.random.default_rng(0)
    bytes_TI = random.choice(np.array([0, 1, 127, 129, 254, 255], np.uint8), (16, 256))
    weight_OI = random.choice(np.array([-largest, -1, 1, largest], np.int8), (48, 256))
    bytes_TI[0], weight_OI[0] = 255, largest
    found_TO = int8_product(
        torch.from_numpy(bytes_TI), torch.ops.onednn.qlinear_prepack(torch.from_numpy(weight_OI), None), torch.ones(48)
    )
    return bool(np.array_equal(found_TO.numpy(), (bytes_TI.astype(np.int64) - MIDDLE) @ weight_OI.astype(np.int64).T))


@torch.inference_mode()
def _speed() -> float:
    """How many times as fast as one of float32 a product of int8 is, at best: both are timed in turns.

    A busy machine makes some calls slow, of either kind; reference code is slow in every one.
    """
    x_TI, bytes_TI = torch.ones(ROWS, WIDTH), torch.ones(ROWS, WIDTH, dtype=torch.uint8)
    plain = torch.ops.mkldnn._reorder_linear_weight(torch.ones(WIDTH, WIDTH))
    packed = torch.ops.onednn.qlinear_prepack(torch.ones(WIDTH, WIDTH, dtype=torch.int8), None)
    scale_O = torch.ones(WIDTH)

    def of_float32() -> object:
        return torch.ops.mkldnn._linear_pointwise(x_TI, plain, None, "none", [], "")

    def of_int8() -> object:
        return int8_product(bytes_TI, packed, scale_O)

    of_float32(), of_int8()  # compiles both
    return max(_seconds(of_float32) / max(_seconds(of_int8), 1e-9) for _ in range(ROUNDS))


def _seconds(call: Callable[[], object]) -> float:
    """Of the processor, so that it does not matter what else the machine does."""
    began = time.process_time()
    call()
    return time.process_time() - began
