"""Words of a text, out of the pieces that a tokenizer made of it.

Tasks that decide for words (named entities) need words that are the same whatever the pieces are. A tokenizer does not
say them: WordPiece splits at every punctuation mark, unigram only at white space, byte-level BPE somewhere between. So
they are read off the user's own text, between pieces that touch, by what stands on both sides:

* white space always separates; what the tokenizer dropped (control characters, accents) does not;
* letters, digits and their marks stay together: `play` `##ing` is one word;
* punctuation and symbols are words of their own, so that `(Paris)`, `Paris,` and `l'Europe` do not hide a name; but a
  full stop between letters or digits, and a comma between digits, are inside a word: `U.S`, `5.975,74` (these are
  WB6, WB7, WB11 and WB12 of Unicode's UAX 29, for the marks that are written without doubt);
* scripts that are written without spaces (Chinese, Japanese, Thai, Lao, Khmer, Burmese): each piece is a word.

A piece is never divided: byte-level BPE has `'s` and `),` as single pieces, and then as single words.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

# First and last code points of the blocks whose scripts put no space between words.
SPACELESS = (
    (0x0E00, 0x0EFF),  # Thai, Lao
    (0x1000, 0x109F),  # Burmese
    (0x1780, 0x17FF),  # Khmer
    (0x3005, 0x3007),  # ideographic iteration mark and zero
    (0x3040, 0x30FF),  # Hiragana, Katakana
    (0x31F0, 0x31FF),
    (0x3400, 0x4DBF),  # Chinese characters, extension A
    (0x4E00, 0x9FFF),  # Chinese characters
    (0xF900, 0xFAFF),
    (0xFF66, 0xFF9F),  # half-width Katakana
    (0x1B000, 0x1B16F),
    (0x20000, 0x3FFFF),  # Chinese characters, all further extensions
)
Kind = Literal["letter", "digit", "mark", "space", "other"]


@dataclass(frozen=True, slots=True)
class Word:
    """A word: where it is in the text, in code points without white space around, and which pieces it is made of."""

    start: int
    end: int
    pieces: tuple[int, ...]


def words_of(text: str, offsets: Sequence[tuple[int, int]]) -> list[Word]:
    """The words of a text in order. Pieces without a visible character (white space, nothing) are in none.

    Args:
        offsets: where each piece is in the text, in the order of the text.
    """
    found: list[Word] = []
    pieces: list[int] = []
    begin = last = 0  # of the word that is being read: its first character, and its last
    for piece, (start, end) in enumerate(offsets):
        first, stop = visible(text, start, end)
        if first == stop:
            continue
        if pieces and not _joined(text, last, first):
            found.append(Word(begin, last + 1, tuple(pieces)))
            pieces = []
        if not pieces:
            begin = first
        pieces.append(piece)
        last = stop - 1
    if pieces:
        found.append(Word(begin, last + 1, tuple(pieces)))
    return found


def visible(text: str, start: int, end: int) -> tuple[int, int]:
    """Where a piece is without the white space around: some tokenizers count the space before a word as its own."""
    shown = text[start:end]
    first = start + len(shown) - len(shown.lstrip())
    return first, max(first, start + len(shown.rstrip()))


def _joined(text: str, left: int, right: int) -> bool:
    """Whether a piece that ends with `text[left]` and one that begins with `text[right]` are of one word."""
    if right <= left:
        return True  # pieces of one character's bytes
    if any(character.isspace() for character in text[left + 1 : right]):
        return False
    after = _kind(text[right])
    if after == "mark":
        return True
    while left and _kind(text[left]) == "mark":
        left -= 1  # to the character that it is on
    before = _kind(text[left])
    if _inside(before) and _inside(after):
        return True
    if _inside(before):
        return text[right] in ".," and _links(text[right], before, text[right + 1 : right + 2])
    return _inside(after) and text[left] in ".," and _links(text[left], after, text[left - 1 : left] if left else "")


def _inside(kind: Kind) -> bool:
    return kind in ("letter", "digit", "mark")


def _links(stop: str, one: Kind, other: str) -> bool:
    """Whether a full stop or a comma is inside a word: `one` is on its one side, the character `other` on its other."""
    kind = _kind(other) if other else "space"
    return _inside(kind) if stop == "." else one == kind == "digit"


@lru_cache(maxsize=4096)
def _kind(character: str) -> Kind:
    if character.isspace():
        return "space"
    category = unicodedata.category(character)
    if category[0] == "M" or category == "Cf":
        return "mark"
    if any(first <= ord(character) <= last for first, last in SPACELESS):
        return "other"
    if category == "Nd":
        return "digit"
    return "other" if category[0] in "PSZ" and category != "Pc" else "letter"
