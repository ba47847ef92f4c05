"""What is remembered of a document to find its duplicates: a hash of its words, and a MinHash signature.

Two documents are exact duplicates when they are the same but for case, white space, and how accents are composed
(Unicode's form NFC). For near duplicates, words are what white space and punctuation set apart, and each character of a
script without spaces; every 5 words that follow one another are a shingle; and two documents are as near as the share
of their shingles that they have in common (Jaccard).

One permutation hashing (Li, Owen & Zhang 2012): every shingle has one 64-bit hash, whose highest bits name one of 128
bins; the lowest hash of each bin stands for it, and an empty bin takes that of the next one that is not, changed by
their distance (densification by rotation, Shrivastava & Li 2014). Of each lowest hash 16 bits are kept. The share of
equal bins estimates the Jaccard similarity J, with a standard deviation of sqrt(J (1 - J) / 128): 0.035 at 0.8. In
texts of fewer shingles than bins values repeat, and the estimate is as coarse as that of so few.
"""

from __future__ import annotations

import hashlib
import re
import string
import unicodedata
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from bertkit.corpora.scripts import may_have_dense, spaced

BINS = 128
SHINGLE_WORDS = 5
_BIN_BITS = 7
_BETWEEN_WORDS = string.punctuation.encode() + bytes(range(33)) + b"\x7f"
_TO_SPACES = bytes(0x20 if byte in _BETWEEN_WORDS else byte for byte in range(256))
_WIDE_PUNCTUATION = re.compile(b"\xe2\x80[\x80-\xaf]|\xc2[\xa0\xab\xbb]|\xe3\x80[\x80-\x91]")  # U+2000-202F, «, 、 …
_WHITE_TO_SPACES = bytes.maketrans(b"\t\n\v\f\r", b"     ")
_BLOCK_BYTES = 2**15
_STARTS_B = np.arange(BINS, dtype=np.uint64) << np.uint64(64 - _BIN_BITS)
_BINS_B = np.arange(BINS)
_BY_DISTANCE = 40503  # odd: 2**16 over the golden ratio
# Odd numbers without a pattern, one a word of a shingle (the first from the fractional part of the golden ratio).
_WEIGHTS = np.array(
    [0x9E3779B97F4A7C15, 0xC2B2AE3D27D4EB4F, 0x165667B19E3779F9, 0xD6E8FEB86659FD93, 0xA0761D6478BD642F], np.uint64
)


def _powers(base: int) -> npt.NDArray[np.uint64]:
    """(_BLOCK_BYTES,) powers of a number modulo 2^64, from the 0th."""
    powers = np.full(_BLOCK_BYTES, base, np.uint64)
    powers[0] = 1
    return np.multiply.accumulate(powers)


_BASE = 0x5851F42D4C957F2D  # Knuth's multiplier for 64 bits
_POWERS, _INVERSE_POWERS = _powers(_BASE), _powers(pow(_BASE, -1, 2**64))


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
    folded = (text if text.isascii() else unicodedata.normalize("NFC", text)).lower()
    raw = folded.replace("\xa0", " ").encode("utf-8", "surrogatepass").translate(_WHITE_TO_SPACES).strip()
    while b"  " in raw:
        raw = raw.replace(b"  ", b" ")
    digest = hashlib.blake2b(raw, digest_size=16).digest()
    if not near:
        return Fingerprint(digest, b"")
    if may_have_dense(raw):
        raw = spaced(folded).encode("utf-8", "surrogatepass")
    return Fingerprint(digest, _signature(raw))


def _signature(raw: bytes) -> bytes:
    hashes_N = _word_hashes(raw)
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


def _word_hashes(raw: bytes) -> npt.NDArray[np.uint64]:
    """(N,) a hash of each word: the sum of its bytes, each times a power of an odd number by its place, modulo 2^64."""
    raw = _WIDE_PUNCTUATION.sub(b" ", raw).translate(_TO_SPACES)
    hashes = [np.empty(0, np.uint64)]
    began = 0
    while began < len(raw):
        end = len(raw)
        if end - began > _BLOCK_BYTES:  # cut between words; what has none in a whole block is no word
            end = raw.rfind(b" ", began + 1, began + _BLOCK_BYTES)
            end = began + _BLOCK_BYTES if end < 0 else end
        hashes.append(_block_hashes(np.frombuffer(raw, np.uint8, end - began, began)))
        began = end
    return np.concatenate(hashes)


def _block_hashes(bytes_T: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint64]:
    """Of words in a block. Powers go on through the block and are divided out: an odd number has an inverse."""
    inside_T = np.zeros(len(bytes_T) + 2, np.bool_)
    np.not_equal(bytes_T, 0x20, out=inside_T[1:-1])
    edges = np.flatnonzero(inside_T[1:] != inside_T[:-1])
    starts_N, ends_N = edges[0::2], edges[1::2]
    sums_T = np.zeros(len(bytes_T) + 1, np.uint64)
    np.cumsum(bytes_T * _POWERS[: len(bytes_T)], out=sums_T[1:])
    hashes_N: npt.NDArray[np.uint64] = (sums_T[ends_N] - sums_T[starts_N]) * _INVERSE_POWERS[starts_N]
    return hashes_N


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
