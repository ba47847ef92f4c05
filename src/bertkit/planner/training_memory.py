"""How much memory a training step takes on one rank, from configurations alone.

What autograd keeps of a pass is counted tensor by tensor, as the modules of `model/` make them (in the manner of
Korthikanti et al. 2022, arXiv 2205.05198, 4.1); the rest is estimated. Not counted: what Python and torch take for
themselves, a teacher, a generator.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from bertkit.config.encoder import EncoderConfig
from bertkit.planner.parameters import count_parameters

FULL, HALF = 4, 2  # bytes of a float32 and of a bfloat16
MASKED_SHARE = 0.15
# The loss over the vocabulary goes in chunks (`model/chunked_loss.py`), of which it holds about three.
LOGITS_BYTES = {"cpu": 3 * 16 * 2**20, "cuda": 3 * 512 * 2**20}
LAMB_BYTES = 2**28  # of parameters whose updates LAMB holds at once

Method = Literal["adamw", "lamb", "muon"]


@dataclass(frozen=True, slots=True)
class MemoryEstimate:
    """Bytes on one rank.

    Attributes:
        weights: float32 ones, and copies of them to compute with.
        activations: what a pass over one micro-batch keeps for its gradient, and its largest temporary tensors.
        update: temporary tensors of the optimiser's step, when there are no activations.
    """

    weights: int
    gradients: int
    optimiser: int
    activations: int
    update: int

    @property
    def total(self) -> int:
        """The most that is in use at once."""
        return self.weights + self.gradients + self.optimiser + max(self.activations, self.update)


def training_memory(
    config: EncoderConfig,
    *,
    micro_batch_tokens: int,
    length: int,
    precision: str,
    optimiser: Method,
    recompute: bool,
    ranks_sharing: int = 1,
    device: Literal["cpu", "cuda"] = "cpu",
    running_mean: bool = False,
) -> MemoryEstimate:
    """What a step of masked-language-model training needs.

    Args:
        length: tokens of the longest sequences.
        precision: `float32`, `bfloat16`, `float16` or `bfloat16-weights`, as `TrainTable` has them.
        recompute: layers keep their input only.
        ranks_sharing: ranks among which float32 weights, gradients and the optimiser's state are divided. During a
            step each has whole weights and gradients besides, if there are several.
        device: a CPU keeps more for dropout, and with dropout of attention every pair of tokens.
        running_mean: whether there is one of the weights.
    """
    parameters = count_parameters(config) + _masked_head(config)
    part = -(-parameters // ranks_sharing)
    whole = parameters if ranks_sharing > 1 else 0
    half_copies = 0 if precision == "float32" else HALF * parameters
    if precision == "bfloat16-weights":
        weights, gradients = half_copies, FULL * whole + (0 if whole else half_copies)
    else:
        weights, gradients = FULL * whole + half_copies, FULL * whole
    return MemoryEstimate(
        weights=weights + FULL * part,
        gradients=gradients + FULL * part,
        optimiser=_optimiser(config, parameters, optimiser) // ranks_sharing + (FULL * part if running_mean else 0),
        activations=_activations(config, micro_batch_tokens, length, precision, recompute, device),
        update=min(FULL * part, max(LAMB_BYTES, FULL * _table(config))) if optimiser == "lamb" else 0,
    )


def _masked_head(config: EncoderConfig) -> int:
    """Parameters of a masked-language-model head whose matrix is the token table."""
    return config.token_width * (config.width + 3) + config.vocab_size


def _table(config: EncoderConfig) -> int:
    return config.vocab_size * config.token_width


def _optimiser(config: EncoderConfig, parameters: int, name: Method) -> int:
    """Two running means of each parameter; one for the matrices of layers with Muon."""
    attended = config.heads * config.head_width
    up = config.ffn_width * (2 if config.gated else 1)
    matrices = config.width * (2 * attended + 2 * config.groups * config.head_width + up + config.ffn_width)
    return FULL * (2 * parameters - (config.layers * matrices if name == "muon" else 0))


def _activations(config: EncoderConfig, tokens: int, length: int, precision: str, recompute: bool, device: str) -> int:
    stream = HALF if precision == "bfloat16-weights" else FULL
    product = FULL if precision == "float32" else HALF
    steps = [_step(config, config.sight_of_step(s), length, stream, product, device) for s in _steps(config)]
    kept = len(steps) * config.width * stream + max(steps) if recompute else sum(steps)
    embeddings = (2 * config.token_width + config.width) * stream + 3 * 8  # and the ids, positions and segments
    head = int(MASKED_SHARE * 5 * config.width * stream)
    # The gradients that one step's backward pass holds at once.
    working = (4 * config.width + 2 * config.ffn_width * (2 if config.gated else 1)) * product
    logits = min(LOGITS_BYTES[device], int(3 * MASKED_SHARE * tokens) * config.vocab_size * FULL)
    # The token table has its gradient twice: from the loss, and from the embeddings, before they are added.
    return tokens * (kept + embeddings + head + working) + logits + FULL * _table(config)


def _steps(config: EncoderConfig) -> range:
    return range(len(config.layer_of_step))


def _step(config: EncoderConfig, sight: str, length: int, stream: int, product: int, device: str) -> int:
    """Bytes that one step keeps of one token.

    Args:
        stream, product: bytes of a number between the parts of a layer, and inside them.
    """
    width, attended, grouped = config.width, config.heads * config.head_width, config.groups * config.head_width
    norms = 2 * width * stream + 2 * width * product  # what each reads, and gives to the product after it
    attention = 2 * attended + 2 * grouped  # queries, keys, values, output
    if not (device == "cpu" and _dropped_by_hand(config, sight)):
        attention += attended  # the output by length, and joined
    if config.rotary is not None:
        attention += attended + grouped
    if sight == "L" and device == "cpu":
        attention += 3 * attended  # the parts that chunks of queries see
    mlp = config.ffn_width * (4 if config.gated else 2)
    dropped = 2 * width * (product if device == "cpu" else 1) if config.hidden_dropout else 0
    return norms + (attention + mlp) * product + dropped + _pairs(config, sight, length, product, device)


def _dropped_by_hand(config: EncoderConfig, sight: str) -> bool:
    """Whether a CPU takes `dropped_attention`, not torch's general path."""
    plain = sight == "G" and config.relative_bias is None and config.groups == config.heads
    return plain and config.attention_dropout > 0


def _pairs(config: EncoderConfig, sight: str, length: int, product: int, device: str) -> int:
    """Bytes kept of one token for the tokens that it sees: none where the kernel computes them again."""
    seen = min(length, 3 * max(config.window_radius or 0, 1)) if sight == "L" else length
    if device == "cpu" and _dropped_by_hand(config, sight):
        return config.heads * seen * 2 * product  # weights, and what they are multiplied by
    if config.attention_dropout and device == "cpu":
        return config.heads * seen * 3 * FULL  # weights, what is dropped, what is left; float32 in any precision
    if config.relative_bias is not None:
        return config.heads * seen * FULL
    return config.heads * FULL  # a sum of each row
