"""Ids of many texts, each run between spaces tokenised once and then looked up.

BERT's rules look at single characters and at the word around them, and a space ends a word: what a run between spaces
becomes does not depend on its neighbours, and most runs of a natural text occur often. That holds for WordPiece after
BERT's own normalizer and splitter when every added token is matched in the text as it is written and has no white
space in it (so that it cannot go from one run to the next). Every other tokenizer is asked for each text.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain

import numpy as np
import numpy.typing as npt

from bertkit.errors import InputError
from bertkit.tokenization.tokenizer import Tokenizer

Array = npt.NDArray[np.uint32]
# Of the runs that are remembered: some 20 MB. Past it all are forgotten, and the frequent ones are back with the next
# text. To keep those asked for more often was not faster: most of what is new in a text was never there before.
MOST_CHARACTERS = 1_500_000
RUNS_TOGETHER = 256


class RunCache:
    """The tokens of texts, as `Tokenizer.tokenize` gives them, in two arrays.

    Args:
        tokenizer: whose ids they are.
        most_characters: forget what is remembered when its runs have more characters than this.

    Attributes:
        exact: whether runs are looked up; otherwise each text goes to the tokenizer.
    """

    exact: bool
    _numbers: _Numbers
    _ids: Array
    _lengths: Array
    _starts: npt.NDArray[np.int64]

    def __init__(self, tokenizer: Tokenizer, most_characters: int = MOST_CHARACTERS) -> None:
        self._tokenizer = tokenizer
        self._most_characters = most_characters
        self.exact = tokenizer.splits_at_spaces()
        self._forget()

    def tokenize(self, texts: Sequence[str]) -> tuple[Array, Array]:
        """The ids of all texts end to end, and the number of ids of each text.

        Raises:
            InputError: as `Tokenizer.tokenize` does. What was remembered is forgotten, and the next call is right.
        """
        if not self.exact:
            return _flat([tokens.ids for tokens in self._tokenizer.tokenize(texts)])
        try:
            return self._looked_up(texts)
        except BaseException as error:
            self._forget()  # some runs have a number and no ids: those numbered after them would get others' ids
            if isinstance(error, (InputError, AttributeError, TypeError)):
                self._tokenizer.tokenize(texts)  # says which of the texts cannot be read, and where in it
            raise

    def _looked_up(self, texts: Sequence[str]) -> tuple[Array, Array]:
        runs = [text.split(" ") for text in texts]
        runs_of_text = np.fromiter(map(len, runs), np.int64, len(runs))
        total = int(runs_of_text.sum())
        run_numbers = np.fromiter(map(self._numbers.__getitem__, chain.from_iterable(runs)), np.int64, total)
        self._learn()
        lengths = self._lengths[run_numbers]
        ends = np.zeros(total + 1, np.int64)
        np.cumsum(lengths, out=ends[1:])
        sources = np.repeat(self._starts[run_numbers] - ends[:-1], lengths) + np.arange(ends[-1])
        ids = self._ids[sources]
        ends_of_text = ends[np.cumsum(runs_of_text)]
        if self._numbers.characters > self._most_characters:
            self._forget()
        return ids, np.diff(ends_of_text, prepend=0).astype(np.uint32)

    def _learn(self) -> None:
        """Tokenises the runs that were numbered and not looked up yet."""
        new, self._numbers.new = self._numbers.new, []
        if not new:
            return
        ids, lengths = _of_runs(self._tokenizer, new)
        starts = len(self._ids) + np.cumsum(lengths, dtype=np.int64) - lengths
        self._ids = np.concatenate([self._ids, ids])
        self._lengths = np.concatenate([self._lengths, lengths])
        self._starts = np.concatenate([self._starts, starts])

    def _forget(self) -> None:
        # Of the runs by their numbers: the ids of all end to end, how many each has, and where its ids begin.
        self._numbers = _Numbers()
        self._ids, self._lengths = _flat([])
        self._starts = np.empty(0, np.int64)


class _Numbers(dict[str, int]):
    """The number of each run, given out when it is first asked for."""

    def __init__(self) -> None:
        super().__init__()
        self.new: list[str] = []
        self.characters = 0

    def __missing__(self, run: str) -> int:
        self[run] = number = len(self)
        self.new.append(run)
        self.characters += len(run)
        return number


def _of_runs(tokenizer: Tokenizer, runs: Sequence[str]) -> tuple[Array, Array]:
    """The ids of runs end to end, and how many each has.

    A text costs the tokenizer as much as several words, so runs are put together to longer texts; where a token ends
    in the text says which run it is of.
    """
    groups = [runs[place : place + RUNS_TOGETHER] for place in range(0, len(runs), RUNS_TOGETHER)]
    found = tokenizer.tokenize([" ".join(group) for group in groups], offsets=True)
    ids, _ = _flat([tokens.ids for tokens in found])
    counts = []
    for group, tokens in zip(groups, found, strict=True):
        begins = np.cumsum([0, *(len(run) + 1 for run in group)])
        last_characters = np.array([end - 1 for _, end in tokens.offsets or ()], np.int64)
        run_of_token = np.searchsorted(begins, last_characters, side="right") - 1
        counts.append(np.bincount(run_of_token, minlength=len(group)).astype(np.uint32))
    return ids, np.concatenate(counts)


def _flat(ids_of_text: Sequence[Sequence[int]]) -> tuple[Array, Array]:
    lengths = np.fromiter(map(len, ids_of_text), np.uint32, len(ids_of_text))
    return np.fromiter(chain.from_iterable(ids_of_text), np.uint32, int(lengths.sum())), lengths
