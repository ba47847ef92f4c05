"""The nearest of stored vectors, exactly, without making them large again all at once.

Shapes: `Q` queries, `N` stored vectors, `K` found, `W` numbers of a vector.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple, TypeAlias, cast

import numpy as np
import numpy.typing as npt

from bertkit.config.vectors import VectorPrecision
from bertkit.errors import UserError
from bertkit.vectors.bits import BitTable, fewest
from bertkit.vectors.quantising import (
    BINARY,
    RANGED,
    Floats,
    Ranges,
    Stored,
    as_ranges,
    as_unsigned,
    check_precision,
    dequantize_embeddings,
    quantize_embeddings,
)

Places: TypeAlias = npt.NDArray[np.int64]
CHUNK_BYTES = 64 * 2**20  # of scores, or of vectors made large again, at once


class Found(NamedTuple):
    """What is nearest to each query, the nearest first; of equal scores the one that is stored first.

    Attributes:
        scores_QK: inner products, float32; cosines where vectors have length 1.
        places_QK: rows of the stored vectors.
    """

    scores_QK: Floats
    places_QK: Places


def quantized_search(
    queries: npt.ArrayLike,
    stored: Stored,
    precision: VectorPrecision,
    *,
    top_k: int = 10,
    ranges: Ranges | npt.ArrayLike | None = None,
    rescore_multiplier: int = 4,
) -> Found:
    """The stored vectors with the largest inner products with each query. Every vector is looked at.

    Bytes are compared with the query as it is, which loses nothing more. Of bits, `rescore_multiplier * top_k` with the
    fewest that differ are found first, and put in order by the query's own numbers (Yamada et al. 2021,
    https://arxiv.org/abs/2106.00882); a score is then the query's cosine with the vector of the signs.

    Args:
        queries: (Q, W), or one (W,), float.
        stored: (N, …), as `quantize_embeddings` gives it; may be mapped from a file.
        precision: of what is stored.
        top_k: how many are wanted; all where there are fewer.
        ranges: that `int8` and `uint8` were quantised with.
        rescore_multiplier: how many times as many are looked at again, of bits.

    Raises:
        UserError: numbers below 1, or vectors, ranges and precision that do not go together.
    """
    check_precision(precision)
    queries_QW = np.atleast_2d(quantize_embeddings(queries, "float32"))
    for name, number in (("top_k", top_k), ("rescore_multiplier", rescore_multiplier)):
        if number < 1:
            raise UserError(f"{name} is {number}", "Choose 1 or more.")
    width = queries_QW.shape[1]
    expected = (width + 7) // 8 if precision in BINARY else width
    if stored.ndim != 2 or stored.shape[1] != expected:
        raise UserError(
            f"queries of {width} numbers, and stored vectors of shape {stored.shape}",
            f"As {precision}, a vector of {width} numbers has {expected}.",
        )
    if precision in BINARY:
        return _by_bits(queries_QW, stored, top_k, rescore_multiplier)
    if precision in RANGED:
        return _by_bytes(queries_QW, stored, top_k, ranges)
    return _best(_products(queries_QW, stored), len(queries_QW), top_k)


def _by_bytes(queries_QW: Floats, stored_NW: Stored, top_k: int, ranges: Ranges | npt.ArrayLike | None) -> Found:
    """Inner products with what bytes stand for: low and byte times step, so the step goes to the query."""
    if ranges is None:
        raise UserError("bytes without their ranges", "Give those that the vectors were quantised with.")
    known = as_ranges(ranges)
    if len(known.low_W) != queries_QW.shape[1]:
        raise UserError(f"ranges of {len(known.low_W)} numbers", f"Give those of vectors of {queries_QW.shape[1]}.")
    base_Q1 = (queries_QW @ known.low_W)[:, None]
    parts = _products(queries_QW * known.step_W, stored_NW)
    return _best(((start, base_Q1 + scores_QC) for start, scores_QC in parts), len(queries_QW), top_k)


def _products(queries_QW: Floats, stored_NW: Stored) -> Iterator[tuple[int, Floats]]:
    """Inner products with some stored vectors at a time, and the row that they begin at."""
    rows = max(1, CHUNK_BYTES // (4 * max(queries_QW.shape)))
    for start in range(0, len(stored_NW), rows):
        part_CW = stored_NW[start : start + rows]
        large_CW = as_unsigned(part_CW) if part_CW.dtype.kind in "iu" else part_CW
        yield start, queries_QW @ large_CW.astype(np.float32).T


def _by_bits(queries_QW: Floats, stored_NB: Stored, top_k: int, multiplier: int) -> Found:
    """The vectors with the fewest differing bits, put in order by inner products with their signs."""
    table, width = BitTable(stored_NB), queries_QW.shape[1]
    scores, places = [], []
    for query_W in queries_QW:
        likely_L = fewest(table.differing(query_W), top_k * multiplier)
        signs_LW = dequantize_embeddings(stored_NB[likely_L], "ubinary", width=width)
        scores_L = signs_LW @ query_W / np.float32(np.sqrt(width))
        order_K = np.argsort(-scores_L, kind="stable")[:top_k]
        scores.append(scores_L[order_K])
        places.append(likely_L[order_K])
    return Found(np.stack(scores), np.stack(places))


def _best(parts: Iterator[tuple[int, Floats]], queries: int, count: int) -> Found:
    """The largest scores of all parts, and where they are."""
    scores_QK = np.empty((queries, 0), np.float32)
    places_QK = np.empty((queries, 0), np.int64)
    for start, scores_QC in parts:
        more_QC = np.broadcast_to(np.arange(start, start + scores_QC.shape[1]), scores_QC.shape)
        scores_QK = np.concatenate([scores_QK, scores_QC], axis=1)
        places_QK = np.concatenate([places_QK, more_QC], axis=1)
        order_QK = np.argsort(-scores_QK, axis=1, kind="stable")[:, :count]
        scores_QK = np.take_along_axis(scores_QK, order_QK, axis=1)
        places_QK = np.take_along_axis(places_QK, order_QK, axis=1)
    return Found(cast(Floats, scores_QK), places_QK)
