"""What is remembered of a document to find its duplicates: a hash of its words, and a MinHash signature.

Text is lowered, in Unicode's form NFKC, its words are what white space sets apart; characters of scripts without spaces
are words of their own. Exact duplicates have all words alike. For near duplicates, words without the punctuation
around them are put together to shingles of 5, and two documents are as near as the share of their shingles that they
have in common (Jaccard).

One permutation hashing (Li, Owen & Zhang 2012): every shingle has one 64-bit hash, whose highest bits name one of 128
bins; the lowest hash of each bin stands for it, and an empty bin takes that of the next one that is not, changed by
their distance (densification by rotation, Shrivastava & Li 2014). Of each lowest hash 16 bits are kept. The share of
equal bins estimates the Jaccard similarity J, with a standard deviation of sqrt(J (1 - J) / 128): 0.035 at 0.8.
"""

from __future__ import annotations

import hashlib
import unicodedata
import zlib
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from bertkit.data.scripts import spaced

BINS = 128
SHINGLE_WORDS = 5
_BIN_BITS = 7
_LARGEST_CACHE = 2**16  # words whose hashes are kept
_PUNCTUATION = ".,;:!?…\"'`()[]{}<>«»“”‘’„–—-*_/|#、。，！？「」"  # noqa: RUF001
_STARTS_B = np.arange(BINS, dtype=np.uint64) << np.uint64(64 - _BIN_BITS)
_BINS_B = np.arange(BINS)
_BY_DISTANCE = 40503  # odd: 2**16 over the golden ratio
# Odd numbers without a pattern, one a word of a shingle (the first from the fractional part of the golden ratio).
_WEIGHTS = np.array(
    [0x9E3779B97F4A7C15, 0xC2B2AE3D27D4EB4F, 0x165667B19E3779F9, 0xD6E8FEB86659FD93, 0xA0761D6478BD642F], np.uint64
)


@dataclass(frozen=True, slots=True)
class Fingerprint:
    """What is remembered of a document.

    Args:
        digest: 16 bytes, of all its words.
        signature: `BINS` little-endian uint16; empty where near duplicates are not asked for, or there are no words.
    """

    digest: bytes
    signature: bytes


def fingerprint(text: str, *, near: bool) -> Fingerprint:
    """The fingerprint of a text: the same in every process and on every machine.

    Args:
        near: make the signature by which near duplicates are found.
    """
    words = spaced(unicodedata.normalize("NFKC", text).lower()).split()
    digest = hashlib.blake2b(" ".join(words).encode("utf-8", "surrogatepass"), digest_size=16).digest()
    return Fingerprint(digest, _signature(words) if near else b"")


class _WordHashes(dict[str, int]):
    """Hashes of words without the punctuation around them, kept; 0 for punctuation alone."""

    def __missing__(self, word: str) -> int:
        if len(self) >= _LARGEST_CACHE:
            self.clear()
        bare = word.strip(_PUNCTUATION)
        found = zlib.crc32(bare.encode("utf-8", "surrogatepass")) | 1 << 32 if bare else 0
        self[word] = found
        return found


_word_hash = _WordHashes().__getitem__


def _signature(words: list[str]) -> bytes:
    hashes_N = np.fromiter(map(_word_hash, words), np.uint64, len(words))
    hashes_N = hashes_N[hashes_N != 0]
    if not len(hashes_N):
        return b""
    shingles_S = _mixed(_shingles(hashes_N))
    shingles_S.sort()
    first_B = np.searchsorted(shingles_S, _STARTS_B)
    filled = np.flatnonzero(np.diff(first_B, append=len(shingles_S)))
    lowest_F = shingles_S[first_B[filled]]
    source_B = np.searchsorted(filled, _BINS_B)
    source_B[source_B == len(filled)] = 0  # around the end
    distance_B = (filled[source_B] - _BINS_B) % BINS
    values_B = (lowest_F[source_B] & np.uint64(0xFFFF)).astype(np.int64) + distance_B * _BY_DISTANCE
    return (values_B & 0xFFFF).astype("<u2").tobytes()


def _shingles(hashes_N: npt.NDArray[np.uint64]) -> npt.NDArray[np.uint64]:
    """(max(N - 4, 1),) a hash of each 5 words that follow one another, or of all where there are fewer."""
    width = min(SHINGLE_WORDS, len(hashes_N))
    count = len(hashes_N) - width + 1
    shingles_S: npt.NDArray[np.uint64] = hashes_N[:count] * _WEIGHTS[0]
    for place in range(1, width):
        shingles_S += hashes_N[place : place + count] * _WEIGHTS[place]
    return shingles_S


def _mixed(hashes_S: npt.NDArray[np.uint64]) -> npt.NDArray[np.uint64]:
    """The same numbers, in place, every bit depending on every bit: the last steps of MurmurHash3 (Appleby 2011)."""
    for factor in (0xFF51AFD7ED558CCD, 0xC4CEB9FE1A85EC53):
        hashes_S ^= hashes_S >> np.uint64(33)
        hashes_S *= np.uint64(factor)
    hashes_S ^= hashes_S >> np.uint64(33)
    return hashes_S


def similarity(one: npt.NDArray[np.uint16], others: npt.NDArray[np.uint16]) -> npt.NDArray[np.float64]:
    """(C,) estimated Jaccard similarity of a signature (B,) with each of others (C, B)."""
    share_C: npt.NDArray[np.float64] = np.mean(others == one, axis=1)
    return share_C
