"""The vectors of an index that are nearest to a query's, all of them looked at.

Shapes: `N` vectors of the index, `W` numbers of each, `C` candidates, `K` found.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from bertkit.vectors.bits import BitTable, fewest
from bertkit.vectors.quantising import Floats, Ranges, Stored, dequantize_embeddings

AT_ONCE = 16_384  # vectors that are made large again at once
LIKELY = 2_000  # by their bits, whose float16 are looked at; more where more are wanted
LIKELY_TIMES = 20
FAR = np.iinfo(np.uint16).max

Mask = npt.NDArray[np.bool_]


class NearestVectors(NamedTuple):
    """The nearest first; of equal scores the one that is stored first.

    Attributes:
        scores_K: inner products, float32.
        vectors_K: their numbers in the index.
    """

    scores_K: Floats
    vectors_K: npt.NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class StoredVectors:
    """The vectors of an index as they were at one moment.

    Attributes:
        files: what each file keeps of them, (N, …), mapped into memory.
        hidden_N: those that stand for nothing that may be found.
        ranges: of bytes.
    """

    files: Mapping[str, Stored]
    hidden_N: Mask
    ranges: Ranges | None = None

    @cached_property
    def _bits(self) -> BitTable:
        return BitTable(self.files["ubinary"])

    @cached_property
    def _closed(self) -> npt.NDArray[np.int64]:
        return np.flatnonzero(self.hidden_N)

    def nearest(self, query_W: Floats, count: int, allowed_N: Mask | None = None) -> NearestVectors:
        """The vectors with the largest inner products, of those that are not hidden, at most `count`.

        Where the index keeps bits they say which are looked at: the float16 of the likeliest 2,000, or 20 times as many
        as are wanted.

        Args:
            allowed_N: those that may be found; all where left out.
        """
        open_N = ~self.hidden_N if allowed_N is None else allowed_N & ~self.hidden_N
        kind = "int8" if "int8" in self.files else "float16"
        if "ubinary" in self.files:
            differing_N = self._bits.differing(query_W)
            differing_N[self._closed if allowed_N is None else ~open_N] = FAR
            likely_C = fewest(differing_N, max(LIKELY, LIKELY_TIMES * count))
            likely_C = likely_C[differing_N[likely_C] < FAR]
            scores_C = self._large(kind, likely_C) @ query_W
            return _best(scores_C, likely_C, count)
        some = None if allowed_N is None else np.flatnonzero(open_N)
        if some is not None and len(some) * 4 < len(open_N):  # few: these alone
            parts = [self._large(kind, some[at : at + AT_ONCE]) @ query_W for at in range(0, len(some), AT_ONCE)]
            return _best(np.concatenate([*parts, np.empty(0, np.float32)]), some, count)
        scores_N = np.empty(len(open_N), np.float32)
        for at in range(0, len(open_N), AT_ONCE):
            scores_N[at : at + AT_ONCE] = self._large(kind, slice(at, at + AT_ONCE)) @ query_W
        places = np.flatnonzero(open_N)
        return _best(scores_N[places] if len(places) < len(scores_N) else scores_N, places, count)

    def _large(self, kind: str, which: npt.NDArray[np.int64] | slice) -> Floats:
        stored = self.files[kind][which]
        return dequantize_embeddings(stored, kind, self.ranges)  # type: ignore[arg-type]


def _best(scores_C: Floats, vectors_C: npt.NDArray[np.int64], count: int) -> NearestVectors:
    """The largest scores; the vectors are in their order."""
    if count < len(scores_C):
        bound = np.partition(scores_C, len(scores_C) - count)[len(scores_C) - count]
        kept = np.flatnonzero(scores_C >= bound)
        scores_C, vectors_C = scores_C[kept], vectors_C[kept]
    order_K = np.argsort(-scores_C, kind="stable")[:count]
    return NearestVectors(scores_C[order_K], vectors_C[order_K])
