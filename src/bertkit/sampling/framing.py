"""Stretches of shards, put together as the sequences of a packed batch with special tokens around and between.

Shapes: `T` packed tokens, `B` sequences, `R` runs of a frame: each special token, and each part.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from bertkit.config.training import Sequences
from bertkit.corpora.boundaries import document_token_ends
from bertkit.corpora.shards import Shard
from bertkit.errors import InputError
from bertkit.sampling.samples import TWO_PARTS
from bertkit.tokenization.template import Frame
from bertkit.tokenization.tokenizer import Tokenizer

Ids = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class SequenceSource:
    """What sequences are copied from.

    Attributes:
        tokens: a shard's ids, as a plain array over the mapped file.
        sentence_ends, document_ends: where its sentences and documents end, in tokens, 0 first.
    """

    tokens: npt.NDArray[np.integer]
    sentence_ends: npt.NDArray[np.integer]
    document_ends: Ids

    @classmethod
    def of(cls, shard: Shard) -> SequenceSource:
        """A shard as a source."""
        return cls(shard.tokens.view(np.ndarray), shard.sentence_ends.view(np.ndarray), document_token_ends(shard))


@dataclass(frozen=True, slots=True)
class Framing:
    """The frame of an arrangement.

    Attributes:
        ids_R, segments_R: of each run; the id of a part is of no account.
        parts: which of the runs are the first and, where there is one, the second part.
        separator: what stands inside the first part where a document ends; None where none can.
    """

    ids_R: Ids
    segments_R: Ids
    parts: tuple[int, ...]
    separator: int | None

    @classmethod
    def of(cls, tokenizer: Tokenizer, arrangement: Sequences) -> Framing:
        """The frame that a tokenizer puts around the sequences of an arrangement.

        Raises:
            InputError: documents are to be joined, and the tokenizer has no separator token.
        """
        two = arrangement in TWO_PARTS
        separator = None
        if arrangement == "full-sentences":
            separator = tokenizer.specials.sep
            if separator is None:
                raise InputError(
                    "the tokenizer has no separator token to put between documents",
                    'Choose data.sequences = "documents", or a tokenizer that has one, such as [SEP].',
                )
        frame = tokenizer.template.pair if two else tokenizer.template.single
        return cls(*_runs(frame, two), separator)

    @property
    def two_parts(self) -> bool:
        """Whether sequences have a second part."""
        return len(self.parts) == 2

    def frame(self, sources: Sequence[SequenceSource], parts_B4: Ids, lengths_B: Ids) -> tuple[Ids, Ids]:
        """The ids and segment ids of sequences, packed end to end.

        Args:
            sources: of each sequence.
            parts_B4, lengths_B: as `Samples` has them.
        """
        lengths_BR = np.ones((len(lengths_B), len(self.ids_R)), np.int64)
        if self.two_parts:
            lengths_BR[:, self.parts] = parts_B4[:, 1::2] - parts_B4[:, ::2]
        else:  # with the separators inside it
            lengths_BR[:, self.parts[0]] = lengths_B - (len(self.ids_R) - 1)
        runs = lengths_BR.ravel()
        ids_T = np.repeat(np.tile(self.ids_R, len(lengths_B)), runs)
        segments_T = np.repeat(np.tile(self.segments_R, len(lengths_B)), runs)
        places_BR = (np.cumsum(runs) - runs).reshape(lengths_BR.shape)
        for number, run in enumerate(self.parts):
            starts, stops = parts_B4[:, 2 * number].tolist(), parts_B4[:, 2 * number + 1].tolist()
            for place, room, source, start, stop in zip(
                places_BR[:, run].tolist(), lengths_BR[:, run].tolist(), sources, starts, stops, strict=True
            ):
                if room == stop - start:
                    ids_T[place : place + room] = source.tokens[start:stop]
                else:
                    self._copy_documents(ids_T[place : place + room], source, start, stop)
        return ids_T, segments_T

    def _copy_documents(self, ids_P: Ids, source: SequenceSource, start: int, stop: int) -> None:
        """Copies a part that goes on over the ends of documents, with a separator at each."""
        first = int(np.searchsorted(source.document_ends, start, side="right"))
        last = int(np.searchsorted(source.document_ends, stop))
        place = 0
        for end in [*source.document_ends[first:last].tolist(), stop]:
            ids_P[place : place + end - start] = source.tokens[start:end]
            place += end - start
            if end < stop and self.separator is not None:
                ids_P[place] = self.separator
                place += 1
            start = end


def _runs(frame: Frame, two: bool) -> tuple[Ids, Ids, tuple[int, ...]]:
    """The ids and the segments of a frame's runs, and which of them are parts."""
    ids, segments = [*frame.prefix.ids, 0], [*frame.prefix.segments, frame.first_segment]
    parts = [len(ids) - 1]
    if two:
        ids += [*frame.infix.ids, 0]
        segments += [*frame.infix.segments, frame.second_segment]
        parts.append(len(ids) - 1)
    ids += frame.suffix.ids
    segments += frame.suffix.segments
    return np.array(ids, np.int64), np.array(segments, np.int64), tuple(parts)
