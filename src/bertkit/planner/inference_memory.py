"""How much memory inference takes: the weights, and what one batch holds at its fullest."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from bertkit.config.encoder import EncoderConfig
from bertkit.planner.activations import DeviceKind
from bertkit.planner.formulas import Values
from bertkit.planner.inputs import model_inputs
from bertkit.planner.rates import BYTES, Precision


@dataclass(frozen=True, slots=True)
class InferenceMemory:
    """Bytes.

    Attributes:
        stream: tensors of one batch as wide as the model: nothing is kept from one layer to the next but the last.
        wide: those of the feed-forward part.
        pairs: scores and weights of attention, where they are tensors.
        process: of a process on a CPU, whose allocator keeps some of what is freed.
    """

    weights: int
    stream: int
    wide: int
    pairs: int
    process: int

    @property
    def activations(self) -> int:
        """All of the batch."""
        return self.stream + self.wide + self.pairs

    @property
    def total(self) -> int:
        """The most that is in use at once."""
        return self.weights + self.activations


def inference_memory(
    config: EncoderConfig,
    lengths: Sequence[int],
    *,
    precision: Precision,
    device: DeviceKind = "cpu",
    padded: bool = False,
    stores_pairs: bool = False,
) -> InferenceMemory:
    """What inference of one batch needs, its last hidden states included.

    Args:
        lengths: tokens of its sequences.
        padded: every sequence is filled up to the longest.
        stores_pairs: attention is in plain operations.
    """
    given = {
        "trains": False,
        "size": BYTES[precision],
        "is_cpu": device == "cpu",
        "padded": padded,
        "stores_pairs": stores_pairs,
    }
    values = Values({**model_inputs(config), **given}, lengths)
    names = ("inference_weights", "stream_bytes", "wide_bytes", "score_bytes", "inference_process")
    return InferenceMemory(*(int(values[name]) for name in names))
