"""How much memory a training step takes on one rank, from configurations alone.

What a pass keeps is counted in `activations.py`. The peak is where what is kept and what has a gradient already are the
most together: at the end of the forward pass in large batches, at the end of the backward pass in small ones. Not
counted: what Python and torch take for themselves, a teacher, a generator.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from bertkit.config.encoder import EncoderConfig
from bertkit.config.kernels import drops_by_hand, logits_chunk_bytes
from bertkit.planner.activations import FULL, HALF, DeviceKind, Path, step_bytes, training_path
from bertkit.planner.parameters import count_parameters

MASKED_SHARE = 0.15
# The loss over the vocabulary goes in chunks (`model/chunked_loss.py`), of which it holds about so many.
LOGITS_CHUNKS = 3
LAMB_BYTES = 2**28  # of parameters whose updates LAMB holds at once

Method = Literal["adamw", "lamb", "muon"]
Learnt = Literal["pre-training", "fine-tuning", "lora"]


@dataclass(frozen=True, slots=True)
class MemoryEstimate:
    """Bytes on one rank.

    Attributes:
        weights: float32 ones, and copies of them to compute with.
        gradients: all of them, when the backward pass has ended.
        activations: what a pass over one micro-batch keeps for its gradient, and its largest temporary tensors.
        update: temporary tensors of the optimiser's step, when there are no activations.
        working: the most of gradients, activations and updates that is there at one time: not their sum.
    """

    weights: int
    gradients: int
    optimiser: int
    activations: int
    update: int
    working: int

    @property
    def total(self) -> int:
        """The most that is in use at once."""
        return self.weights + self.optimiser + self.working


@dataclass(frozen=True, slots=True)
class _Pass:
    """One micro-batch through the model.

    Attributes:
        wanted: tokens whose last hidden states are read.
        learns_layer, learns_rest: parameters that learn, of each of the encoder's layers, and of all else.
        beside: bytes of one token that adapters hold while they are added to what they adapt.
    """

    config: EncoderConfig
    path: Path
    tokens: int
    length: int
    wanted: int
    learns_layer: int
    learns_rest: int
    masked: bool
    beside: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Training:
    """How a model is trained, as far as memory asks.

    Attributes:
        length: tokens of the longest sequences.
        precision: `float32`, `bfloat16`, `float16` or `bfloat16-weights`, as `TrainTable` has them.
        recompute: layers keep their input only.
        ranks_sharing: ranks among which float32 weights, gradients and the optimiser's state are divided. During a
            step each has whole weights and gradients besides, if there are several.
        device: a CPU keeps more for dropout, and with dropout of attention every pair of tokens.
        running_mean: whether there is one of the weights.
        learnt: masked tokens; the label of a sequence, by all weights; or that by adapters.
        padded, stores_pairs: as `Path` has them, for programs other than bertkit.
    """

    micro_batch_tokens: int
    length: int
    precision: str
    optimiser: Method
    recompute: bool
    ranks_sharing: int = 1
    device: DeviceKind = "cpu"
    running_mean: bool = False
    learnt: Learnt = "pre-training"
    lora_rank: int = 8
    padded: bool = False
    stores_pairs: bool = False


def training_memory(config: EncoderConfig, how: Training) -> MemoryEstimate:
    """What a step of training needs."""
    masked = how.learnt == "pre-training"
    parameters = count_parameters(config) + (_masked_head(config) if masked else config.width * (config.width + 4))
    path = training_path(how.precision, how.device, how.recompute, padded=how.padded, stores_pairs=how.stores_pairs)
    one = _pass(config, path, how)
    learning = one.learns_layer * config.layers + one.learns_rest
    frozen = parameters - learning if how.learnt == "lora" else 0
    part = -(-(parameters - frozen) // how.ranks_sharing)
    whole = parameters - frozen if how.ranks_sharing > 1 else 0
    half = HALF if how.precision != "float32" else 0
    if how.precision == "bfloat16-weights":
        weights, gradients = half * parameters, FULL * whole + (0 if whole else half * learning)
    else:
        weights, gradients = FULL * whole + half * parameters, FULL * whole
    update = min(FULL * part, max(LAMB_BYTES, FULL * _table(config))) if how.optimiser == "lamb" else 0
    gradients += FULL * part
    kept, moments = _moments(one)
    return MemoryEstimate(
        weights=weights + FULL * (part + frozen),
        gradients=gradients,
        optimiser=_optimiser(config, learning, how.optimiser) // how.ranks_sharing
        + (FULL * part if how.running_mean else 0),
        activations=kept,
        update=update,
        working=max(max(moments), gradients + update),
    )


def _pass(config: EncoderConfig, path: Path, how: Training) -> _Pass:
    tokens, length, masked = how.micro_batch_tokens, how.length, how.learnt == "pre-training"
    wanted = int(MASKED_SHARE * tokens) if masked else -(-tokens // length)
    wanted = tokens if path.padded else wanted
    layer, rest = _layer_parameters(config), count_parameters(config) - _layer_parameters(config) * config.layers
    if how.learnt == "lora":
        attended = config.heads * config.head_width
        qkv, up = attended + 2 * config.groups * config.head_width, config.ffn_width * (2 if config.gated else 1)
        sides = (
            (config.width + qkv) + (attended + config.width) + (config.width + up) + (config.ffn_width + config.width)
        )
        layer, rest = how.lora_rank * sides, 0
    head = _masked_head(config) if masked else config.width * (config.width + 4)
    up = config.ffn_width * (2 if config.gated else 1)
    beside = 2 * up * path.product if how.learnt == "lora" else 0
    return _Pass(config, path, tokens, length, wanted, layer, rest + head, masked, beside)


def _moments(one: _Pass) -> tuple[int, list[int]]:
    """The activations when the forward pass has ended; and activations, gradients and temporaries after each part."""
    config, tokens = one.config, one.tokens
    steps = [step_bytes(config, config.sight_of_step(s), one.length, one.path) for s in _steps(config)]
    kept = [tokens * step.kept for step in steps]
    kept[-1] = tokens * steps[-1].attention + one.wanted * steps[-1].after
    if one.path.recompute:
        kept = [tokens * config.width * one.path.stream] * len(kept)
    dropped = one.path.product if drops_by_hand(one.path.device) else 1
    below = tokens * ((2 * config.token_width + config.width) * one.path.stream + 3 * 8)
    below += tokens * config.token_width * dropped if config.hidden_dropout else 0
    above, table = one.wanted * 6 * config.width * one.path.stream, FULL * _table(config) if one.masked else 0
    logits = 0
    if one.masked and one.path.padded:  # in the products' precision, in float32, and their gradient
        logits = one.wanted * config.vocab_size * (one.path.product + 2 * FULL)
    elif one.masked:
        logits = min(
            LOGITS_CHUNKS * logits_chunk_bytes(one.path.device), LOGITS_CHUNKS * one.wanted * config.vocab_size * FULL
        )
    activations = below + sum(kept) + above
    # The loss over the vocabulary gives the table's gradient before the backward pass, which first scales it: a copy.
    moments = [activations + table + logits, activations + 2 * table]
    grown = table
    for number in reversed(range(len(steps))):
        rows = one.wanted if number == len(steps) - 1 and steps[number].after else tokens
        working = max(rows, tokens // 2) * (steps[number].working + one.beside)
        again = tokens * steps[number].kept if one.path.recompute else 0
        moments.append(below + sum(kept[: number + 1]) + again + working + grown)
        grown += FULL * one.learns_layer if config.layer_of_step[number] == number or number == 0 else 0
    # The table's gradient has two parts, from the loss and from the rows that were read, before they are added.
    moments.append(below + grown + FULL * one.learns_rest)
    return activations + max(table + logits, 2 * table), moments


def _masked_head(config: EncoderConfig) -> int:
    """Parameters of a masked-language-model head whose matrix is the token table."""
    return config.token_width * (config.width + 3) + config.vocab_size


def _table(config: EncoderConfig) -> int:
    return config.vocab_size * config.token_width


def _layer_parameters(config: EncoderConfig) -> int:
    deeper = config.model_copy(update={"layer_of_step": tuple(range(config.layers + 1))})
    return count_parameters(deeper) - count_parameters(config)


def _optimiser(config: EncoderConfig, parameters: int, name: Method) -> int:
    """Two running means of each parameter; one for the matrices of layers with Muon."""
    attended = config.heads * config.head_width
    up = config.ffn_width * (2 if config.gated else 1)
    matrices = config.width * (2 * attended + 2 * config.groups * config.head_width + up + config.ffn_width)
    return FULL * (2 * parameters - (config.layers * matrices if name == "muon" else 0))


def _steps(config: EncoderConfig) -> range:
    return range(len(config.layer_of_step))
