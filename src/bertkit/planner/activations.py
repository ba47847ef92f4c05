"""What autograd keeps of a pass for its gradient, and what a pass holds while it goes, tensor by tensor.

The counts follow the modules of `model/` (in the manner of Korthikanti et al. 2022, arXiv 2205.05198, 4.1), and a test
holds them against autograd's own. A step of the encoder keeps, of each token: what its four products and its two norms
read, queries, keys and values, the activation's input, and what dropout multiplied by; of pairs of tokens only what the
kernel does not compute again.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from bertkit.config.encoder import EncoderConfig
from bertkit.config.kernels import (
    FUSED,
    AttentionKernel,
    Processor,
    attention_kernel,
    drops_by_hand,
    takes_chunks,
    widens_short,
)

FULL, HALF = 4, 2  # bytes of a float32 and of a bfloat16

DeviceKind = Literal["cpu", "cuda"]
PLANNED_GPU = Processor("cuda", (8, 0))  # what memory is counted for: earlier ones, which keep more, are not told apart


@dataclass(frozen=True, slots=True)
class Path:
    """What decides which tensors there are.

    Attributes:
        stream: bytes of a number between the parts of a layer.
        product: bytes of a number inside them.
        recompute: layers keep their input only.
        trains: dropout is on.
        packed_weights: a CPU's inference, where the activation is part of the product before it.
        padded: a program that fills sequences up, projects queries, keys and values apart, and computes all tokens of
            the last layer, whoever reads them.
        stores_pairs: attention in plain operations: scores, weights and what is left of them are tensors.
    """

    device: DeviceKind
    stream: int
    product: int
    recompute: bool = False
    trains: bool = True
    packed_weights: bool = False
    padded: bool = False
    stores_pairs: bool = False


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
    return Path(device, stream, product, recompute, padded=padded, stores_pairs=stores_pairs)


def step_bytes(config: EncoderConfig, sight: str, length: int, path: Path) -> StepBytes:
    """Of one token of a sequence of `length` tokens.

    Args:
        sight: `G` or `L`, how far the step sees.
    """
    width, attended, grouped = config.width, config.heads * config.head_width, config.groups * config.head_width
    kernel, window = _kernel(config, sight, path), config.window_radius if sight == "L" else None
    attention = attended + 2 * grouped + attended  # queries, keys, values, output
    if kernel != "dropped":
        attention += attended  # the output by length, and joined
    if config.rotary is not None:
        attention += attended + grouped
    if kernel == "by-length" and takes_chunks(length, window, biased=config.relative_bias is not None):
        attention += 3 * attended  # the parts that chunks of queries see
    if path.padded and path.product < path.stream:
        attention += 2 * width  # autocast gives each of the three projections its own copy
    pairs = _pairs(config, sight, length, path)
    norm = width * (path.stream + path.product)  # what it reads, and gives to the product after it
    dropped = width * (path.product if drops_by_hand(path.device) else 1) if config.hidden_dropout else 0
    mlp = config.ffn_width * (4 if config.gated else 2) * path.product
    before_attention = norm if config.norm_at == "pre" else 0
    up = config.ffn_width * (2 if config.gated else 1)
    mlp_working = (2 * config.ffn_width + up + 2 * width) * path.product
    pairs_working = 2 * pairs // 3 if pairs > config.heads * FULL else 0
    attention_working = 6 * attended * path.product + pairs_working
    return StepBytes(
        attention=attention * path.product + pairs + before_attention,
        after=2 * norm - before_attention + 2 * dropped + mlp,
        working=max(mlp_working, attention_working),
    )


def _kernel(config: EncoderConfig, sight: str, path: Path) -> AttentionKernel:
    return attention_kernel(
        PLANNED_GPU if path.device == "cuda" else Processor("cpu"),
        half=path.product == HALF,
        head_width=config.head_width,
        grouped=config.groups != config.heads,
        local=sight == "L",
        biased=config.relative_bias is not None,
        drops=path.trains and config.attention_dropout > 0,
        learns=path.trains,
    )


def _pairs(config: EncoderConfig, sight: str, length: int, path: Path) -> int:
    """Bytes kept of one token for the tokens that it sees: none where the kernel computes them again."""
    window = max(config.window_radius or 0, 1)
    seen = min(length, 3 * window) if sight == "L" else length
    if path.stores_pairs:
        chosen = path.product if path.device == "cpu" else 1  # which weights are dropped
        return config.heads * length * (FULL + path.product + chosen)
    if _kernel(config, sight, path) == "dropped":
        size = FULL if widens_short(length) else path.product
        return config.heads * seen * 2 * size  # weights, and what they are multiplied by
    if config.attention_dropout and path.device == "cpu" and path.trains:
        return config.heads * seen * 3 * FULL  # weights, what is dropped, what is left; float32 in any precision
    if config.relative_bias is not None:
        return config.heads * seen * FULL
    return config.heads * FULL  # a sum of each row


def inference_bytes(config: EncoderConfig, path: Path) -> tuple[int, int]:
    """The most that a step of inference holds of one token: as wide as the model, and as the feed-forward part."""
    width, attended, grouped = config.width, config.heads * config.head_width, config.groups * config.head_width
    turned = 2 * (attended + grouped) * (FULL + FULL) // path.product if config.rotary is not None else 0
    attention = width + attended + 2 * grouped + 2 * attended + turned
    up = config.ffn_width * (2 if config.gated else 1)
    # An activation that is part of the product before it writes no tensor of its own.
    fused = path.packed_weights and not config.gated and config.activation in FUSED
    wide = up + (0 if fused else config.ffn_width) + (config.ffn_width if config.gated else 0)
    # The layer's input, what attention gave, and their normalised sum are there while the feed-forward part runs.
    if attention > 3 * width + wide:
        return attention * path.product, 0
    return 3 * width * path.product, wide * path.product


def inference_pair_bytes(config: EncoderConfig, length: int, path: Path) -> int:
    """What attention holds of one token for the tokens that it sees: scores and weights, where they are tensors."""
    stored = config.relative_bias is not None or path.stores_pairs
    return 2 * config.heads * length * path.product if stored else 0
