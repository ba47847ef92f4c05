"""What back ends share that compute a graph over padded rows: from packed batches and back. Torch-free.

Shapes: `T` packed tokens, `B` sequences, `L` tokens of a row, `M` named tokens, `R` rows of output.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from bertkit.batching.packed import Ids, PackedBatch
from bertkit.config.pooling import Part
from bertkit.config.readout import Readout
from bertkit.errors import BadCheckpoint, MissingHead
from bertkit.exports.outputs import IDS, MASK, SEGMENTS, names_of
from bertkit.inference.backend import Backend, BatchShape, Outputs
from bertkit.tasks.contract import Array

STEP = 8  # rows are filled up to a multiple of so many tokens
LONGEST = 32_768
MOST_NUMBERS = 2**26  # of one output: the logits of a vocabulary for every token are many


@dataclass(frozen=True, slots=True)
class GraphUse:
    """What a graph is opened for.

    Attributes:
        readout: what the task reads.
        max_length: tokens of the longest row that there may be, padding too: a model has no more positions.
        pad: the id that rows are filled up with.
        words: numbers that the head gives where that is the vocabulary.
        width: numbers of the encoder's vectors.
    """

    readout: Readout
    max_length: int
    pad: int
    words: int
    width: int


class GraphBackend(Backend):
    """Runs a graph that another library opened.

    Args:
        path: of the graph, for messages.
        inputs, outputs: names that the graph has.

    Raises:
        MissingHead: it gives other outputs than the task reads.
        BadCheckpoint: it takes other inputs than there are.
    """

    shape = BatchShape(buckets=tuple(range(STEP, LONGEST + STEP, STEP)))

    def __init__(self, path: Path, use: GraphUse, inputs: Sequence[str], outputs: Sequence[str]) -> None:
        self.path = path
        self.use = use
        self._inputs = tuple(inputs)
        wanted = names_of(use.readout)
        found = tuple(name for name in wanted if name in outputs)
        if not found or (len(found) < len(wanted) and not use.readout.pooling):
            raise MissingHead(
                f"{path}: gives {', '.join(outputs)}, not {' or '.join(wanted)}",
                "Choose the task that it was exported for, or export the model for this one.",
            )
        unknown = [name for name in inputs if name not in (IDS, MASK, SEGMENTS)]
        if unknown:
            raise BadCheckpoint(f"{path}: takes {unknown[0]!r}, which bertkit does not give", "Export the model again.")
        self._outputs = found[:1] if use.readout.pooling else found

    @abstractmethod
    def compute(self, inputs: Mapping[str, Ids], outputs: Sequence[str]) -> list[Array]:
        """What the graph gives, by the outputs' names, for inputs (B, L)."""

    def run(self, batch: PackedBatch) -> Outputs:
        """The network's outputs."""
        if self.use.readout.rows != "mask":
            return self._run(batch)
        return self._run_in_parts(batch)

    def rows(self, batch: PackedBatch) -> Rows:
        """A batch as the graph takes it."""
        longest = max(batch.lengths)
        return Rows.of(batch, max(longest, min(self.shape.cost(longest, longest), self.use.max_length)), self.use.pad)

    def _run(self, batch: PackedBatch) -> Outputs:
        rows = self.rows(batch)
        found = self.compute({name: rows.inputs[name] for name in self._inputs}, self._outputs)
        return _read(self.use.readout, found, rows, batch)

    def _run_in_parts(self, batch: PackedBatch) -> Outputs:
        """A few sequences at a time: a number for each token and each word of the vocabulary is a lot of memory."""
        longest = max(batch.lengths)
        count = max(1, MOST_NUMBERS // (longest * self.use.words))
        parts = [self._run(_part(batch, start, start + count)) for start in range(0, len(batch.lengths), count)]
        return tuple(np.concatenate(part) for part in zip(*parts, strict=True))


class Rows:
    """A packed batch as rows that are filled up.

    Attributes:
        inputs: ids, mask and segments, (B, L) int64, by the names of inputs.
        real_BL: where there are tokens.
    """

    def __init__(self, inputs: Mapping[str, Ids]) -> None:
        self.inputs = inputs
        self.real_BL = inputs[MASK] == 1

    @classmethod
    def of(cls, batch: PackedBatch, length: int, pad: int) -> Rows:
        """The rows of a batch, each of so many tokens."""
        real_BL = np.arange(length) < np.array(batch.lengths)[:, None]
        ids_BL = np.full(real_BL.shape, pad, np.int64)
        segments_BL = np.zeros(real_BL.shape, np.int64)
        ids_BL[real_BL], segments_BL[real_BL] = batch.ids_T, batch.segments_T
        return cls({IDS: ids_BL, MASK: real_BL.astype(np.int64), SEGMENTS: segments_BL})


def _part(batch: PackedBatch, start: int, stop: int) -> PackedBatch:
    """Some neighbouring sequences of a batch, whose rows of output are named tokens."""
    ends = np.cumsum([0, *batch.lengths])
    first, last = int(ends[start]), int(ends[min(stop, len(batch.lengths))])
    indices_M = batch.output_indices_M
    assert indices_M is not None
    return PackedBatch(
        batch.ids_T[first:last],
        batch.segments_T[first:last],
        batch.positions_T[first:last],
        batch.lengths[start:stop],
        indices_M[(indices_M >= first) & (indices_M < last)] - first,
    )


def _read(readout: Readout, found: Sequence[Array], rows: Rows, batch: PackedBatch) -> Outputs:
    """What a readout says, of outputs over rows."""
    if readout.pooling:
        return _pooled(readout, found[0][rows.real_BL], batch.lengths)
    if readout.rows == "sequence":
        return (found[0].astype(np.float32, copy=False),)
    packed = [one[rows.real_BL].astype(np.float32, copy=False) for one in found]
    if readout.rows == "mask":
        return _likeliest(packed[0][batch.output_indices_M], readout)
    return (packed[0],) if len(packed) == 1 else (np.stack(packed, axis=-1),)


def _pooled(readout: Readout, tokens_TW: Array, lengths: Sequence[int]) -> Outputs:
    """What the poolings are made of, (B, W) each; where a prompt is left out, once more without it."""
    ends = np.cumsum(lengths)
    spans = zip(ends, lengths, strict=True)
    texts = [tokens_TW[end - length : end].astype(np.float32, copy=False) for end, length in spans]
    skips = (0, readout.skip) if readout.skip else (0,)
    return tuple(
        np.stack([_part_of(part, text_LW, min(skip, len(text_LW) - 1)) for text_LW in texts])
        for skip in skips
        for part in readout.parts
    )


def _part_of(part: Part, text_LW: Array, skip: int) -> Array:
    """One of the things that poolings are made of, (W,); see `Layout.reduce`."""
    if part == "first":
        row_W: Array = text_LW[skip]
    elif part == "last":
        row_W = text_LW[-1]
    elif part == "max":
        row_W = text_LW[skip:].max(axis=0)
    else:
        places_L1 = np.arange(1, len(text_LW) + 1, dtype=np.float32)[:, None]
        row_W = (text_LW * places_L1 if part == "weighted" else text_LW)[skip:].sum(axis=0)
    return row_W


def _likeliest(logits_MV: Array, readout: Readout) -> Outputs:
    """Probabilities and numbers of the likeliest, (M, K) each; logits as they are where none are counted."""
    count = readout.top_k
    if not count:
        return (logits_MV,)
    if readout.chosen:
        return _likeliest_of(logits_MV, np.array(readout.chosen), count)
    powers_MV = np.exp(logits_MV - logits_MV.max(axis=-1, keepdims=True))
    best_MK = np.argpartition(-logits_MV, count - 1, axis=-1)[:, :count]
    order_MK = np.argsort(-np.take_along_axis(logits_MV, best_MK, axis=-1), axis=-1, kind="stable")
    ids_MK = np.take_along_axis(best_MK, order_MK, axis=-1)
    scores_MK = np.take_along_axis(powers_MV, ids_MK, axis=-1) / powers_MV.sum(axis=-1, keepdims=True)
    return scores_MK, ids_MK.astype(np.float32)


def _likeliest_of(logits_MV: Array, chosen_N: npt.NDArray[np.int64], count: int) -> Outputs:
    """The same of some numbers alone, their probabilities those among all."""
    powers_MV = np.exp(logits_MV - logits_MV.max(axis=-1, keepdims=True))
    scores_MN = powers_MV[:, chosen_N] / powers_MV.sum(axis=-1, keepdims=True)
    order_MK = np.argsort(-scores_MN, axis=-1, kind="stable")[:, :count]
    return np.take_along_axis(scores_MN, order_MK, axis=-1), chosen_N[order_MK].astype(np.float32)
