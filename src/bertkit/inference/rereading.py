"""A batch of one model's tokens, as another model reads them: with its own tokenizer, special tokens and limit."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from bertkit.batching.packed import PackedBatch
from bertkit.tokenization.tokens import Tokens
from bertkit.tokenization.windows import LongText, Window, cut

if TYPE_CHECKING:
    from bertkit.tokenization.template import Frame
    from bertkit.tokenization.tokenizer import Tokenizer


class Rereading:
    """Makes batches of a model's tokens those of another model.

    Where both have the same vocabulary and put the same around a text, they are as they are. Else the other model reads
    the text that the tokens spell: what the first tokenizer does not keep of a text (capital letters, unknown words),
    it does not see.

    Args:
        given: the tokenizer of the model that batches are made for.
        own: that of the model that is to read them.
        most: tokens that it reads at once, special tokens included.
    """

    def __init__(self, given: Tokenizer, own: Tokenizer, most: int) -> None:
        self._given = given
        self._own = own
        self._most = most
        self._same_pieces = given.vocab_sha256() == own.vocab_sha256()
        frames = [(tokenizer.template.single, tokenizer.template.pair) for tokenizer in (given, own)]
        self._same = self._same_pieces and frames[0] == frames[1]

    def batch(self, batch: PackedBatch) -> tuple[PackedBatch | None, list[int]]:
        """The sequences that the other model can read, and their numbers; None where it can read none."""
        numbers = range(len(batch.lengths))
        if self._same:
            kept = [number for number in numbers if batch.lengths[number] <= self._most]
            whole = len(kept) == len(numbers)
            return (batch if whole else batch.only(kept) if kept else None), kept
        windows = self._windows(batch)
        kept = [number for number in numbers if windows[number] is not None]
        read = [window for window in windows if window is not None]
        return PackedBatch.of([w.ids for w in read], [w.segments for w in read]) if read else None, kept

    def _windows(self, batch: PackedBatch) -> list[Window | None]:
        """Each sequence as one window of the other model; None where it does not fit or has no tokens."""
        ends, start = [], 0
        for length in batch.lengths:
            ends.append((start, start + length))
            start += length
        texts = [texts_within(batch.ids_T[start:end].tolist(), self._frames) for start, end in ends]
        flat = [ids for one in texts for ids in one]
        if not self._same_pieces:
            spelled = self._own.tokenize([self._given.decode(ids) for ids in flat])
            flat = [tokens.ids for tokens in spelled]
        left = iter(flat)
        return [self._window([next(left) for _ in one]) for one in texts]

    @property
    def _frames(self) -> tuple[Frame, Frame]:
        return self._given.template.single, self._given.template.pair

    def _window(self, texts: Sequence[list[int]]) -> Window | None:
        template = self._own.template
        frame = template.single if len(texts) == 1 else template.pair
        if not all(texts) or frame.special_tokens + sum(map(len, texts)) > self._most:
            return None
        first, *second = map(Tokens, texts)
        return cut(first, second[0] if second else None, template, limit=self._most, long=LongText.ERROR).windows[0]


def texts_within(ids: list[int], frames: tuple[Frame, Frame]) -> list[list[int]]:
    """The tokens of the one text, or of the two, that special tokens were put around.

    Args:
        frames: of a text and of a pair.
    """
    single, pair = frames
    infix = pair.infix.ids
    inner = _within(ids, pair)
    if inner is not None and infix:
        for place in range(1, len(inner) - len(infix)):
            if inner[place : place + len(infix)] == infix:
                return [inner[:place], inner[place + len(infix) :]]
    inner = _within(ids, single)
    return [ids if inner is None else inner]


def _within(ids: list[int], frame: Frame) -> list[int] | None:
    """What is between the ends of a frame; None where they are not there."""
    start, stop = len(frame.prefix.ids), len(ids) - len(frame.suffix.ids)
    fits = ids[:start] == frame.prefix.ids and ids[stop:] == frame.suffix.ids and start <= stop
    return ids[start:stop] if fits else None
