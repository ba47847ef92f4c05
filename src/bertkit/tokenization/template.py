"""The special tokens that a model wants around one text or a pair, read off its own tokenizer.

BERT writes `[CLS] a [SEP] b [SEP]` with segments 0 and 1, RoBERTa `<s> a </s></s> b </s>` with one segment, others
differ again. Each `tokenizer.json` carries its rule as a post-processor; the rule is found by running it once on two
one-token texts, so nothing here knows a family.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

import tokenizers

from bertkit.errors import ConfigError


@dataclass(frozen=True, slots=True)
class SpecialTokens:
    """Special tokens that stand together: their ids and their segment ids."""

    ids: list[int]
    segments: list[int]


@dataclass(frozen=True, slots=True)
class Frame:
    """What stands around the texts of one input: `prefix first infix second suffix`.

    For a single text `infix` is empty and there is no second text.
    """

    prefix: SpecialTokens
    first_segment: int
    infix: SpecialTokens
    second_segment: int
    suffix: SpecialTokens

    @property
    def special_tokens(self) -> int:
        """How many tokens the frame adds to the texts' own."""
        return len(self.prefix.ids) + len(self.infix.ids) + len(self.suffix.ids)

    def one_segment(self) -> Frame:
        """The same frame, all of it and both texts in segment 0."""
        prefix, infix, suffix = (
            SpecialTokens(run.ids, [0] * len(run.ids)) for run in (self.prefix, self.infix, self.suffix)
        )
        return Frame(prefix, 0, infix, 0, suffix)


@dataclass(frozen=True, slots=True)
class Template:
    """The frames of a single text and of a pair.

    Attributes:
        truncation_side: where tokens are dropped from a text that is too long and may be cut.
    """

    single: Frame
    pair: Frame
    truncation_side: Literal["left", "right"] = "right"

    def one_segment(self) -> Template:
        """The same for a model that is not told of segments: it has all tokens in the first."""
        return replace(self, single=self.single.one_segment(), pair=self.pair.one_segment())


def probe(backend: tokenizers.Tokenizer, text: str) -> Template:
    """The template of a tokenizer, by running its post-processor on `text`, which must be exactly one token.

    Raises:
        ConfigError: `text` is not one token, or the post-processor does not keep each text once, in the order given.
    """
    pieces = backend.encode(text, add_special_tokens=False).tokens
    if len(pieces) != 1:
        raise ConfigError(f"the tokenizer makes {len(pieces)} tokens of {text!r} instead of one")
    return Template(single=_frame(backend.encode(text), texts=1), pair=_frame(backend.encode(text, text), texts=2))


def _frame(encoding: tokenizers.Encoding, *, texts: int) -> Frame:
    """Splits an encoding of one-token texts at those tokens."""
    places = [place for place, special in enumerate(encoding.special_tokens_mask) if not special]
    if [encoding.sequence_ids[place] for place in places] != list(range(texts)):
        raise ConfigError(
            "the tokenizer's post_processor does not keep each text once, in the order given",
            "Use a tokenizer.json whose post_processor puts special tokens around the texts and nothing else.",
        )

    def run(start: int, stop: int) -> SpecialTokens:
        return SpecialTokens(encoding.ids[start:stop], encoding.type_ids[start:stop])

    first, last = places[0], places[-1]
    return Frame(
        prefix=run(0, first),
        first_segment=encoding.type_ids[first],
        infix=run(first + 1, last),
        second_segment=encoding.type_ids[last],
        suffix=run(last + 1, len(encoding.ids)),
    )
