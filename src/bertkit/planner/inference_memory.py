"""How much memory inference takes: the weights, and what one batch holds at its fullest."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from bertkit.config.encoder import EncoderConfig
from bertkit.planner.activations import HALF, DeviceKind, Path, inference_bytes, inference_pair_bytes
from bertkit.planner.parameters import count_parameters
from bertkit.planner.rates import BYTES, Precision


@dataclass(frozen=True, slots=True)
class InferenceMemory:
    """Bytes.

    Attributes:
        stream: tensors of one batch as wide as the model: nothing is kept from one layer to the next but the last.
        wide: those of the feed-forward part.
        pairs: scores and weights of attention, where they are tensors.
    """

    weights: int
    stream: int
    wide: int
    pairs: int

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
    longest = max(lengths)
    tokens = longest * len(lengths) if padded else sum(lengths)
    size = max(HALF, BYTES[precision])  # what lies between products of fewer bits is in half precision
    path = Path(device, size, size, trains=False, packed_weights=device == "cpu", stores_pairs=stores_pairs)
    stream, wide = inference_bytes(config, path)
    return InferenceMemory(
        weights=BYTES[precision] * count_parameters(config),
        stream=tokens * stream,
        wide=tokens * wide,
        pairs=tokens * inference_pair_bytes(config, longest, path),
    )
