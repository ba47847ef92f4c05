"""Pairs that are labelled "does not follow" and yet read as if they did: errors of the data that a model then learns.

A pair is false when
* `same_document`: its second part is of the first's document; the arrangement never does this, and it is checked;
* `near_duplicates`: else, of the shorter of the two documents half of the distinct stretches of `STRETCH` tokens, or
  more, are in the longer one, so that they are two versions of one text;
* `overlaps`: else, half of the second part's stretches or more are in the first's document: a passage stands in both;
* `same_opening`: else, the two documents begin with the same sentence, which often is their title.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Self

import numpy as np
import numpy.typing as npt

from bertkit.corpora.boundaries import distinct
from bertkit.sampling.framing import SequenceSource
from bertkit.sampling.samples import NOT, Samples

STRETCH = 8
ALIKE = 0.5
_FACTOR = np.uint64(0x9E3779B97F4A7C15)


@dataclass(frozen=True, slots=True)
class FalsePairs:
    """How many of the examined pairs are false, each counted once, and their share."""

    examined: int
    same_document: int = 0
    near_duplicates: int = 0
    overlaps: int = 0
    same_opening: int = 0
    share: float = field(init=False)

    def __post_init__(self) -> None:
        false = self.same_document + self.near_duplicates + self.overlaps + self.same_opening
        object.__setattr__(self, "share", false / self.examined if self.examined else 0.0)

    @classmethod
    def total(cls, parts: Sequence[FalsePairs]) -> Self:
        """The counts of several shards together."""
        names = ("examined", "same_document", "near_duplicates", "overlaps", "same_opening")
        return cls(*(sum(getattr(part, name) for part in parts) for name in names))


def false_pairs(source: SequenceSource, samples: Samples, most: int) -> FalsePairs:
    """Examines up to `most` of a shard's pairs that do not follow, spread evenly over it."""
    apart = np.flatnonzero(samples.second_S == NOT)
    apart = apart[:: max(1, -(-len(apart) // most))]
    counts: Counter[str] = Counter()
    for start, _, second_start, second_stop in samples.parts_S4[apart].tolist():
        one, other = (int(np.searchsorted(source.document_ends, at, side="right")) - 1 for at in (start, second_start))
        kind = "same_document" if one == other else _alike(source, one, other, second_start, second_stop)
        if kind is not None:
            counts[kind] += 1
    return FalsePairs(examined=len(apart), **counts)


def _alike(source: SequenceSource, one: int, other: int, start: int, stop: int) -> str | None:
    documents = [source.tokens[source.document_ends[d] : source.document_ends[d + 1]] for d in (one, other)]
    mine, others = (_stretches(document) for document in documents)
    short, long = sorted((mine, others), key=len)
    if _contained(short, long) >= ALIKE:
        return "near_duplicates"
    if _contained(_stretches(source.tokens[start:stop]), mine) >= ALIKE:
        return "overlaps"
    openings = []
    for document in (one, other):
        begin = int(source.document_ends[document])
        end = int(source.sentence_ends[np.searchsorted(source.sentence_ends, begin, side="right")])
        openings.append(source.tokens[begin:end])
    return "same_opening" if np.array_equal(openings[0], openings[1]) else None


def _contained(part: npt.NDArray[np.uint64], whole: npt.NDArray[np.uint64]) -> float:
    """The share of `part` that is in `whole`; both are ascending and not empty."""
    places = np.minimum(np.searchsorted(whole, part), len(whole) - 1)
    return float((whole[places] == part).mean())


def _stretches(tokens: npt.NDArray[np.integer]) -> npt.NDArray[np.uint64]:
    """The distinct hashes of all stretches of `STRETCH` tokens; of the whole, where it is shorter."""
    size = min(STRETCH, len(tokens))
    places = len(tokens) - size + 1
    hashes = np.full(places, size, np.uint64)
    for offset in range(size):
        hashes = hashes * _FACTOR + tokens[offset : offset + places].astype(np.uint64) + np.uint64(1)
        hashes ^= hashes >> np.uint64(29)
    hashes.sort()
    return distinct(hashes)
