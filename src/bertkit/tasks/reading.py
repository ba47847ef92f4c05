"""From a row's texts to windows for the model: one way for answering and for learning."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from bertkit.errors import BertkitError, EmptyInput, InputError
from bertkit.tasks.contract import Task, Texts
from bertkit.tokenization.tokens import Tokens
from bertkit.tokenization.windows import Encoded, LongText, cut, window_room

CHARACTERS = (
    16  # of a text's beginning, for each token that a model reads; in no language are tokens so long in the mean
)
LONGEST_WORD = 128  # tokens: of the last word of a beginning, which the whole text may have as fewer


@dataclass(frozen=True, slots=True)
class Reader:
    """Reads texts for a task.

    Attributes:
        limit: tokens that one input can have, special tokens included.
        long: what to do with a text that has more.
        offsets: whether tokens are to know where in the text they are.
        plain: read texts as they stand: windows share no tokens, and the task asks nothing of a text.
    """

    task: Task
    limit: int
    long: LongText
    offsets: bool
    plain: bool = False

    def tokenize(self, inputs: Iterable[Texts]) -> Mapping[str, Tokens]:
        """The tokens of every text; one that occurs in many inputs (a query, a question) is tokenised once."""
        texts = (text for one in inputs for text in (one.first, one.second) if text is not None)
        unique = list(dict.fromkeys(texts))
        too_long = self._too_long(unique) if self.long == LongText.ERROR else {}
        left = [text for text in unique if text not in too_long]
        tokens = self.task.tokenizer.tokenize(left, offsets=self.offsets)
        return {**too_long, **dict(zip(left, tokens, strict=True))}

    def _too_long(self, texts: Sequence[str]) -> dict[str, Tokens]:
        """The beginnings, as tokens, of texts that have too many there already; the rest need not be read."""
        begin = CHARACTERS * (self.limit + LONGEST_WORD)
        long = [text for text in texts if len(text) > 2 * begin]
        beginnings = self.task.tokenizer.tokenize([text[:begin] for text in long]) if long else []
        return {
            text: Tokens(one.ids, goes_on=True)
            for text, one in zip(long, beginnings, strict=True)
            if len(one) > self.limit + LONGEST_WORD
        }

    def encode(self, inputs: Sequence[Texts], tokens: Mapping[str, Tokens]) -> list[Encoded]:
        """Each input of a row in windows.

        Raises:
            InputError: an input is empty, too long, or one that the task has no answer for.
        """
        encoded = []
        for number, texts in enumerate(inputs, 1):
            try:
                encoded.append(self._cut(texts, tokens))
            except BertkitError as error:
                raise error if len(inputs) == 1 else error.at(f"input {number} of {len(inputs)}") from None
        return encoded

    def _cut(self, texts: Texts, tokens: Mapping[str, Tokens]) -> Encoded:
        task = self.task
        first = tokens[texts.first]
        second = None if texts.second is None else tokens[texts.second]
        if not first.ids or (second is not None and not second.ids):
            raise EmptyInput("the text is empty: it has no tokens")
        if task.overlap is None and self.long == LongText.WINDOW:
            raise InputError(f"{task.name} does not read in windows", "Choose --long error or --long truncate.")
        template = task.tokenizer.template
        overlap = 0 if self.plain else task.shared_tokens(window_room(first, second, template, self.limit))
        encoded = cut(first, second, template, limit=self.limit, long=self.long, overlap=overlap)
        if not self.plain:
            task.check(encoded)
        return encoded
