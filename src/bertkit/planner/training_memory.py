"""How much memory a training step takes on one rank, from configurations alone.

The peak is where what is kept and what has a gradient already are the
most together: at the end of the forward pass in large batches, at the end of the backward pass in small ones. Not
counted: what Python and torch take for themselves, a teacher, a generator.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Literal

from bertkit.config.encoder import EncoderConfig
from bertkit.planner.activations import DeviceKind, training_path
from bertkit.planner.formulas import Values
from bertkit.planner.inputs import Given, mode_inputs, model_inputs, step_inputs

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
        process: of a process on a CPU, whose allocator keeps some of what is freed.
    """

    weights: int
    gradients: int
    optimiser: int
    activations: int
    update: int
    working: int
    process: int

    @property
    def total(self) -> int:
        """The most that is in use at once."""
        return self.weights + self.optimiser + self.working


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
    path = training_path(how.precision, how.device, how.recompute, padded=how.padded, stores_pairs=how.stores_pairs)
    given: Given = {
        **model_inputs(config),
        **path.inputs(config),
        **mode_inputs(how.learnt, lora_rank=how.lora_rank),
        "half_weights": how.precision == "bfloat16-weights",
        "tokens": how.micro_batch_tokens,
        "longest": how.length,
        "ranks_sharing": how.ranks_sharing,
        "lamb": how.optimiser == "lamb",
        "muon": how.optimiser == "muon",
        "running_mean": how.running_mean,
    }
    values = Values(given, steps=step_inputs(config))
    return MemoryEstimate(**{field.name: int(values[f"train_{field.name}"]) for field in fields(MemoryEstimate)})
