"""How far two back ends agree that compute one network."""

from __future__ import annotations

from dataclasses import asdict, dataclass

import numpy as np

from bertkit.batching.packed import PackedBatch
from bertkit.config.readout import Readout
from bertkit.exports.outputs import SPANS
from bertkit.exports.trial import Trial
from bertkit.inference.backend import Backend, Outputs
from bertkit.tasks.contract import Array


@dataclass(frozen=True, slots=True)
class Agreement:
    """What was found over a trial.

    Attributes:
        texts: how many were compared.
        longest: tokens of the longest.
        difference: the largest, of numbers that are larger than 1 as a share of the largest of its kind.
        cosine: of all numbers beside all others; the lowest, where outputs are of several kinds.
        decisions: how many answers there are that can be one or another; 0 of vectors.
        flipped: how many of them are another.
    """

    texts: int
    longest: int
    difference: float
    cosine: float
    decisions: int
    flipped: int

    def record(self) -> dict[str, object]:
        """The numbers as JSON values."""
        return asdict(self)

    def words(self) -> str:
        """In a line."""
        flipped = f", {self.flipped} of {self.decisions:,} decisions differ" if self.decisions else ""
        return (
            f"differs by at most {self.difference:.1e}, cosine {self.cosine:.5f}{flipped} "
            f"({self.texts} texts of up to {self.longest:,} tokens)"
        )


def agreement(readout: Readout, expected: Backend, found: Backend, trial: Trial) -> Agreement:
    """How far what is found agrees with what is expected.

    Args:
        readout: of both.
    """
    pairs = [(expected.run(batch), found.run(batch), batch) for batch in trial.batches]
    if readout.top_k:  # which of equally likely ones comes first is chance
        kinds = [([one[0] for one, _, _ in pairs], [other[0] for _, other, _ in pairs])]
    else:
        count = len(pairs[0][0])
        kinds = [([one[n] for one, _, _ in pairs], [other[n] for _, other, _ in pairs]) for n in range(count)]
    flat = [tuple(np.concatenate([part.ravel() for part in side]) for side in kind) for kind in kinds]
    decided = [(_decisions(readout, one, batch), _decisions(readout, other, batch)) for one, other, batch in pairs]
    return Agreement(
        texts=len(trial.lengths),
        longest=max(trial.lengths),
        difference=max(_difference(*kind) for kind in flat),
        cosine=min(_cosine(*kind) for kind in flat),
        decisions=sum(one.size for one, _ in decided),
        flipped=sum(int((one != other).sum()) for one, other in decided),
    )


def _difference(expected: Array, found: Array) -> float:
    scale = max(1.0, float(np.abs(expected).max()))
    difference = np.abs(expected.astype(np.float64) - found).max() / scale
    return float("inf") if np.isnan(difference) else float(difference)


def _cosine(expected: Array, found: Array) -> float:
    one, other = expected.astype(np.float64), found.astype(np.float64)
    lengths = float(np.linalg.norm(one) * np.linalg.norm(other))
    return float(one @ other) / lengths if lengths > 0 else 1.0


def _decisions(readout: Readout, outputs: Outputs, batch: PackedBatch) -> Array:
    """The label of each row, or which of a text's tokens a span begins and ends with."""
    if readout.head is None:
        return np.empty(0, np.float32)
    if readout.top_k:
        return outputs[1][:, 0]
    (logits_RC,) = outputs
    if readout.head == SPANS:
        texts = np.split(logits_RC, np.cumsum(batch.lengths)[:-1])
        return np.concatenate([text_L2.argmax(axis=0) for text_L2 in texts]).astype(np.float32)
    decided = logits_RC.argmax(axis=-1) if logits_RC.shape[-1] > 1 else logits_RC[:, 0] > 0
    return decided.astype(np.float32)
