"""Learns a WordPiece vocabulary: the same counts always give the same pieces.

The rule is that of the `tokenizers` library's `WordPieceTrainer` (`bpe/trainer.rs`), by which most BERT vocabularies
after Google's are made: byte-pair encoding (Sennrich et al. 2016, https://arxiv.org/abs/1508.07909) over characters,
all but the first of a word marked `##`. Again and again the most frequent pair of neighbours becomes a piece. That
library breaks ties by numbers that it gives out in the order of a hash table; here they are given out in a stated
order, so the result is one:

* the special tokens, the unused slots, the characters by code point, the `##` characters by code point, then the
  merged pieces as they are made;
* of pairs as frequent as each other, the one whose left piece is older is merged first, then whose right piece is;
* of characters as frequent as each other, the one with the lower code point stays in a limited alphabet.

A word with a character outside the alphabet is left out: it will always be read as [UNK] as a whole.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bertkit.errors import UserError
from bertkit.tokenization.pair_table import PairTable
from bertkit.tokenization.wordpiece import BERT_TOKENS, CONTINUATION

LIMIT_ALPHABET = 1000  # as BERT's own vocabularies have it


@dataclass(frozen=True, slots=True)
class Words:
    """Different words end to end: `code_points_N`, `starts_N` (True at a word's first), `weights_N` (its count)."""

    code_points_N: NDArray[np.uint32]
    starts_N: NDArray[np.bool_]
    weights_N: NDArray[np.int64]


def train_wordpiece(
    counts: Mapping[str, int],
    *,
    vocab_size: int,
    min_frequency: int = 2,
    limit_alphabet: int = LIMIT_ALPHABET,
    unused: int = 0,
    progress: Callable[[], None] = lambda: None,
) -> list[str]:
    """The pieces of a vocabulary, in the order of their ids.

    Args:
        counts: how often each word stands in the corpus; no word is empty, and their order does not matter.
        vocab_size: how many pieces there will be, special tokens and unused slots included; fewer where no pair
            is frequent enough.
        min_frequency: a pair becomes a piece only if it stands at least so often in the corpus.
        limit_alphabet: how many different characters are kept, the most frequent ones.
        unused: slots `[unused0]`, `[unused1]`, … kept free for words of a later user.
        progress: called after each piece that was made.

    Raises:
        UserError: the alphabet alone is larger than `vocab_size`.
    """
    words = _words(counts)
    alphabet = _alphabet(words, limit_alphabet)
    words = _without_strangers(words, alphabet)
    inner = np.unique(words.code_points_N[~words.starts_N])
    special = [*BERT_TOKENS.values(), *(f"[unused{number}]" for number in range(unused))]
    pieces = [*special, *map(chr, alphabet.tolist()), *(CONTINUATION + chr(code) for code in inner.tolist())]
    if len(pieces) > vocab_size:
        raise UserError(
            f"a vocabulary of {vocab_size:,} has no room for {len(special):,} special tokens, {len(alphabet):,} "
            f"characters and {len(inner):,} more inside words",
            f"Choose --vocab-size {len(pieces)} or more, or a smaller --limit-alphabet.",
        )
    table = PairTable(_symbols(words, alphabet, inner, len(special)), words.starts_N, words.weights_N)
    return _merge(table, pieces, vocab_size, min_frequency, progress)


def _merge(
    table: PairTable, pieces: list[str], vocab_size: int, min_frequency: int, progress: Callable[[], None]
) -> list[str]:
    ids = {piece: id for id, piece in enumerate(pieces)}
    while len(pieces) < vocab_size:
        best = table.most_frequent()
        if best is None or best[2] < min_frequency:
            break
        left, right, _ = best
        piece = pieces[left] + pieces[right].removeprefix(CONTINUATION)
        if piece not in ids:  # `abc` may come of `ab` and `c` after it came of `a` and `bc`
            ids[piece] = len(pieces)
            pieces.append(piece)
            progress()
        table.merge(left, right, ids[piece])
    return pieces


def _words(counts: Mapping[str, int]) -> Words:
    lengths = np.fromiter(map(len, counts), dtype=np.int64, count=len(counts))
    weights = np.fromiter(counts.values(), dtype=np.int64, count=len(counts))
    code_points_N = np.frombuffer("".join(counts).encode("utf-32-le"), dtype=np.uint32)
    starts_N = np.zeros(len(code_points_N), dtype=np.bool_)
    starts_N[np.cumsum(lengths) - lengths] = True
    return Words(code_points_N, starts_N, np.repeat(weights, lengths))


def _alphabet(words: Words, limit: int) -> NDArray[np.uint32]:
    """The most frequent code points, in rising order."""
    # In float64 whole numbers are exact up to 2**53, which no corpus reaches.
    frequency = np.bincount(words.code_points_N, words.weights_N)
    codes = np.flatnonzero(frequency).astype(np.uint32)
    most_frequent = np.lexsort((codes, -frequency[codes]))[:limit]
    return np.sort(codes[most_frequent])


def _symbols(words: Words, alphabet: NDArray[np.uint32], inner: NDArray[np.uint32], specials: int) -> NDArray[np.int32]:
    """The id of each character's piece."""
    first = np.zeros(sys.maxunicode + 1, dtype=np.int32)
    later = np.zeros(sys.maxunicode + 1, dtype=np.int32)
    first[alphabet] = np.arange(len(alphabet)) + specials
    later[inner] = np.arange(len(inner)) + specials + len(alphabet)
    return np.where(words.starts_N, first[words.code_points_N], later[words.code_points_N])


def _without_strangers(words: Words, alphabet: NDArray[np.uint32]) -> Words:
    """The words that the alphabet can write."""
    if not len(words.code_points_N):
        return words
    known = np.isin(words.code_points_N, alphabet)
    starts = np.flatnonzero(words.starts_N)
    lengths = np.diff(np.append(starts, len(known)))
    kept = np.repeat(np.logical_and.reduceat(known, starts), lengths)
    return Words(words.code_points_N[kept], words.starts_N[kept], words.weights_N[kept])
