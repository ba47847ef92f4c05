"""Where words begin and end among token ids, as one table for a vocabulary.

Masking whole words needs the words of billions of tokens, without their text. So each token of the vocabulary is asked
once whether a word begins before it, and whether one ends after it, by how it is written:

* WordPiece: a word begins before every token but those that go on a word (`##ing`).
* byte-level BPE and unigram: a word begins before a token that is written with a space before it (`Ġ`, `▁`), before
  one whose first character is not of a word, and after one whose last character is not: `(hello` is two words.
* in scripts without spaces (see `tokenization/words.py`) each token is a word; in a WordLevel vocabulary too.

Letters, digits and the marks on them are of a word; so are some of a character's bytes, which go on whatever word they
are in.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from bertkit.errors import InputError
from bertkit.tokenization.words import SPACELESS

if TYPE_CHECKING:
    from bertkit.tokenization.tokenizer import Tokenizer

Flags = npt.NDArray[np.bool_]
_BYTE = re.compile(r"<0x[0-9A-F]{2}>")  # how unigram writes a byte of a character that it lacks
_NOT_A_CHARACTER = "\ufffd"  # what a byte-level piece decodes to that is not whole characters


@dataclass(frozen=True, slots=True)
class WordTable:
    """For each id of a vocabulary of V.

    Attributes:
        begins_V: a word begins before the token, whatever stands there.
        ends_V: a word ends after the token, whatever comes.
        space_V: it is a space and nothing more, which is of the word that follows.
        special_V: it is a special token, or no token at all; it is in no word, and words end around it.
    """

    begins_V: Flags
    ends_V: Flags
    space_V: Flags
    special_V: Flags

    @classmethod
    def of(cls, tokenizer: Tokenizer) -> WordTable:
        """The table of a tokenizer's vocabulary."""
        begins_V, ends_V, space_V, special_V = np.zeros((4, tokenizer.vocab_size), bool)
        special_V[list(tokenizer.specials.all)] = True
        for id in range(tokenizer.vocab_size):
            if special_V[id]:
                continue
            try:
                begins_V[id], ends_V[id], space_V[id] = _word_ends(tokenizer, id)
            except InputError:  # the vocabulary skips this id
                special_V[id] = True
        return cls(begins_V, ends_V, space_V, special_V)

    def begins(self, ids_T: npt.NDArray[np.int64], starts_B: npt.NDArray[np.int64]) -> Flags:
        """Whether a word begins before each of T packed tokens; never before a special one.

        Args:
            starts_B: where each sequence begins.
        """
        special_T = self.special_V[ids_T]
        begins_T = self.begins_V[ids_T]
        begins_T[1:] |= self.ends_V[ids_T[:-1]] | special_T[:-1]
        begins_T[1:] &= ~self.space_V[ids_T[:-1]]
        begins_T[starts_B[starts_B < len(ids_T)]] = True
        return np.asarray(begins_T & ~special_T)


def _word_ends(tokenizer: Tokenizer, id: int) -> tuple[bool, bool, bool]:
    token = tokenizer.token(id)
    if tokenizer.algorithm == "WordLevel":
        return True, True, False
    if _BYTE.fullmatch(token):
        return False, False, False
    written = tokenizer.write("x ", id)[1:]  # the space stays where the token begins a word
    spaced, piece = written.startswith(" "), written.strip()
    if tokenizer.algorithm == "WordPiece":
        return spaced or _stands_alone(piece[:1]), _stands_alone(piece[-1:]), False
    if not piece:  # white space: a space belongs to what follows, a line end does not
        is_space = spaced and not tokenizer.decode([id]).strip(" ")
        return True, not is_space, is_space
    return spaced or not _of_word(piece[0]), not _of_word(piece[-1]), False


def _of_word(character: str) -> bool:
    if character == _NOT_A_CHARACTER:
        return True
    category = unicodedata.category(character)
    return not _stands_alone(character) and (category[0] in "LNM" or category in ("Pc", "Cf"))


def _stands_alone(character: str) -> bool:
    return bool(character) and any(first <= ord(character) <= last for first, last in SPACELESS)
