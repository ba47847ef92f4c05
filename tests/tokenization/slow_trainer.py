"""WordPiece training as its docstring says it, recounting everything before every merge: the slow twin."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from itertools import pairwise

SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]


def train(
    counts: Mapping[str, int], *, vocab_size: int, min_frequency: int = 2, limit_alphabet: int = 1000, ties: bool = True
) -> list[str]:
    """The pieces; with `ties=False` it fails where two pairs are the most frequent."""
    frequency: Counter[str] = Counter()
    for word, count in counts.items():
        for character in word:
            frequency[character] += count
    kept = sorted(frequency, key=lambda c: (-frequency[c], c))[:limit_alphabet]
    words = {word: count for word, count in counts.items() if set(word) <= set(kept)}
    rows = {word: [word[0], *(f"##{character}" for character in word[1:])] for word in words}
    inner = {symbol for row in rows.values() for symbol in row[1:]}
    pieces = [*SPECIAL, *sorted(kept), *sorted(inner)]
    while len(pieces) < vocab_size:
        pairs: Counter[tuple[int, int]] = Counter()
        for word, row in rows.items():
            for left, right in pairwise(row):
                pairs[pieces.index(left), pieces.index(right)] += words[word]
        best = min(pairs, key=lambda pair: (-pairs[pair], pair), default=None)
        if best is None or pairs[best] < min_frequency:
            break
        assert ties or list(pairs.values()).count(pairs[best]) == 1
        left, right = pieces[best[0]], pieces[best[1]]
        merged = left + right.removeprefix("##")
        if merged not in pieces:
            pieces.append(merged)
        rows = {word: _merged(row, left, right, merged) for word, row in rows.items()}
    return pieces


def _merged(row: list[str], left: str, right: str, merged: str) -> list[str]:
    result: list[str] = []
    place = 0
    while place < len(row):
        if row[place : place + 2] == [left, right]:
            result.append(merged)
            place += 2
        else:
            result.append(row[place])
            place += 1
    return result
