"""Vectors of bits, and in how many bits they differ from a query.

Bits lie in words of 64, all first words side by side, then all second ones: numpy is then as fast as memory is.
Shapes: `N` vectors, `B` bytes of each, `J` words of each.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from bertkit.vectors.quantising import Floats, Stored, as_unsigned, quantize_embeddings

WORD_BYTES = 8
AT_ONCE = 32_768  # vectors, of which one word each stays in the processor's cache


class BitTable:
    """Stored vectors, ready to be compared with one query after another.

    Args:
        stored_NB: as `quantize_embeddings` gives them, `binary` or `ubinary`.
    """

    def __init__(self, stored_NB: Stored) -> None:
        words = -(-stored_NB.shape[1] // WORD_BYTES)
        self._words_JN = np.empty((words, len(stored_NB)), np.uint64)
        for start in range(0, len(stored_NB), AT_ONCE):
            part_NB = as_unsigned(stored_NB[start : start + AT_ONCE])
            self._words_JN[:, start : start + AT_ONCE] = _words(part_NB).T

    def __len__(self) -> int:
        return int(self._words_JN.shape[1])

    @property
    def nbytes(self) -> int:
        """What it takes of memory."""
        return self._words_JN.nbytes

    def differing(self, query_W: Floats) -> npt.NDArray[np.uint16]:
        """In how many bits each vector differs from a query's signs, (N,)."""
        query_J = _words(np.atleast_2d(quantize_embeddings(query_W, "ubinary")))[0]
        differing_N = np.zeros(len(self), np.uint16)
        unlike = np.empty(min(AT_ONCE, len(self)), np.uint64)
        counts = np.empty(len(unlike), np.uint8)
        for start in range(0, len(self), AT_ONCE):
            sum_C = differing_N[start : start + AT_ONCE]
            size = len(sum_C)
            for words_N, word in zip(self._words_JN, query_J, strict=True):
                np.bitwise_xor(words_N[start : start + size], word, out=unlike[:size])
                np.bitwise_count(unlike[:size], out=counts[:size])
                np.add(sum_C, counts[:size], out=sum_C)
        return differing_N


def fewest(differing_N: npt.NDArray[np.uint16], count: int) -> npt.NDArray[np.int64]:
    """The places of the `count` least numbers, in their order of place; of equal ones the first."""
    if count >= len(differing_N):
        return np.arange(len(differing_N))
    bound = np.partition(differing_N, count - 1)[count - 1]
    below, at = np.flatnonzero(differing_N < bound), np.flatnonzero(differing_N == bound)
    return np.sort(np.concatenate([below, at[: count - len(below)]]))


def _words(bits_NB: Stored) -> npt.NDArray[np.uint64]:
    """The bytes of each vector as words, (N, J), filled up with zeros."""
    missing = -bits_NB.shape[1] % WORD_BYTES
    whole = np.pad(bits_NB, ((0, 0), (0, missing))) if missing else np.ascontiguousarray(bits_NB)
    return whole.view(np.uint64)
