"""What is to be done, as operations: each so much arithmetic, so many bytes through memory, so many kernels.

Counts of arithmetic are those of `compute.py`, for the tokens that the program computes: padding included where it
pads.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Literal

from bertkit.config.encoder import EncoderConfig
from bertkit.planner.compute import masked_flops, pooled_flops, seen_pairs
from bertkit.planner.parameters import count_parameters
from bertkit.planner.rates import BYTES, Precision
from bertkit.planner.software import Software

Mode = Literal["inference", "fine-tuning", "lora", "pre-training"]
MASKED_SHARE = 0.15
# Of one parameter: AdamW reads it, its gradient and two means and writes three of them (28), clipping reads the
# gradient and writes it (8), and it is cleared (4).
UPDATE_BYTES = 40
HALF_COPY_BYTES = 6  # a float32 weight read, and written in half precision, in each step


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
        dispatch_us: what the host takes to start one.
        outputs: numbers that one of them computes: rows times columns of a product; 0 where that says nothing.
    """

    kind: Literal["product", "attention", "pointwise"]
    flops: float
    bytes: float
    numbers: float
    kernels: int
    dispatch_us: float
    outputs: int = 0


def operations(work: Work) -> list[Operation]:
    """All that one batch asks of the device."""
    tokens = sum(work.computed)
    found = [*_products(work, tokens), _attention(work), _pointwise(work, tokens), *_head(work)]
    if work.trains and work.updates:
        found.append(_update(work))
    return found


def _shapes(config: EncoderConfig) -> list[tuple[int, int]]:
    """Inputs and outputs of the dense layers of one step."""
    attended = config.heads * config.head_width
    qkv = attended + 2 * config.groups * config.head_width
    up = config.ffn_width * (2 if config.gated else 1)
    return [(config.width, qkv), (attended, config.width), (config.width, up), (config.ffn_width, config.width)]


def _products(work: Work, tokens: int) -> list[Operation]:
    """Three of them in training for each of inference: for the outputs, the inputs' gradient and the weights'."""
    size, steps = BYTES[work.precision], len(work.config.layer_of_step)
    forward, backward = work.software.dispatch_us
    # With adapters the frozen weights have no gradient; what the adapters add is a few hundredths.
    times = {"inference": 1, "lora": 2}.get(work.mode, 3)
    made = []
    for inputs, outputs in _shapes(work.config):
        flops = 2.0 * tokens * inputs * outputs * steps
        moved = float(tokens * (inputs + outputs) + inputs * outputs) * steps
        made.append(Operation("product", flops, moved * size, moved, steps, forward, tokens * outputs))
        for _ in range(times - 1):
            made.append(Operation("product", flops, moved * size, moved, steps, backward, tokens * outputs))
        if work.mode == "lora":
            narrow = 3 * 2.0 * tokens * (inputs + outputs) * work.lora_rank * steps
            made.append(Operation("product", narrow, 3 * moved * size, 3 * moved, 6 * steps, backward))
    return made


def _attention(work: Work) -> Operation:
    config, software = work.config, work.software
    size = max(2, BYTES[work.precision])  # softmax is in half precision at least
    pairs = stored = 0.0
    for step in range(len(config.layer_of_step)):
        radius = config.window_radius if config.sight_of_step(step) == "L" else None
        for length, count in Counter(work.computed).items():
            pairs += count * seen_pairs(length, radius)
            stored += count * length * length
    # The backward pass of a fused kernel computes the scores again: five products, not four.
    times = (3.0 if software.stores_pairs else 3.5) if work.trains else 1.0
    steps = len(config.layer_of_step)
    numbers = 4.0 * sum(work.computed) * config.heads * config.head_width * steps * times
    if software.stores_pairs or config.relative_bias is not None:
        numbers += software.pair_passes[work.trains] * config.heads * stored
    launches = steps * ((5 if software.stores_pairs else 1) * (3 if work.trains else 1))
    flops = 4.0 * config.heads * config.head_width * pairs * times
    return Operation("attention", flops, numbers * size, numbers, launches, software.dispatch_us[0])


def _pointwise(work: Work, tokens: int) -> Operation:
    config, software = work.config, work.software
    passes = (1, 2) if work.trains else (0,)
    width = sum(software.width_passes[p] for p in passes) * config.width
    ffn = sum(software.ffn_passes[p] for p in passes) * config.ffn_width * (1.5 if config.gated else 1.0)
    if config.rotary is not None:
        width += software.rotary_passes * config.width * (2 if work.trains else 1)
    steps = len(config.layer_of_step)
    numbers = tokens * ((width + ffn) * steps + 10 * config.token_width)
    # Of those of a layer, four are products and one is attention; in training three times as many.
    kernels = sum(software.kernels[p] for p in passes) - 5 * (3 if work.trains else 1)
    dispatch = software.dispatch_us[1] if work.trains else software.dispatch_us[0]
    return Operation("pointwise", 0.0, numbers * BYTES[work.precision], numbers, max(1, kernels) * steps + 8, dispatch)


def _head(work: Work) -> list[Operation]:
    """What stands above the encoder: a masked-language-model head in pre-training, a small one in fine-tuning."""
    config, sequences = work.config, len(work.lengths)
    if work.mode == "inference":
        return []
    flops = 3.0 * sequences * pooled_flops(config)
    if work.mode != "pre-training":
        return [Operation("product", flops, 0.0, 0.0, 6, work.software.dispatch_us[1])]
    masked = sum(max(1, round(MASKED_SHARE * length)) for length in work.lengths)
    if work.software.predicts_all:
        masked = sum(work.computed)
    logits = 8.0 * masked * config.vocab_size  # written, read for the softmax, its gradient, and their products
    flops += 3.0 * masked * masked_flops(config)
    return [Operation("product", flops, logits * BYTES[work.precision], logits, 20, work.software.dispatch_us[1])]


def _update(work: Work) -> Operation:
    parameters = count_parameters(work.config)
    changing = parameters
    if work.mode == "lora":
        changing = sum(i + o for i, o in _shapes(work.config)) * work.lora_rank * work.config.layers
    moved = UPDATE_BYTES * changing + (HALF_COPY_BYTES * parameters if BYTES[work.precision] < 4 else 0)
    return Operation("pointwise", 0.0, float(moved), moved / 4, 30, work.software.dispatch_us[1])


def arithmetic(work: Work) -> float:
    """The floating point operations of the batch."""
    return sum(operation.flops for operation in operations(work))


def traffic(work: Work) -> float:
    """The bytes that the batch moves through the device's memory."""
    return sum(operation.bytes for operation in operations(work))
