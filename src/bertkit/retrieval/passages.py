"""Documents cut into passages: about as many words each, cut at sentences, the last ones said again in the next."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from itertools import groupby, pairwise
from typing import NamedTuple

from bertkit.corpora.sentences import split_sentences
from bertkit.retrieval.documents import SourceDocument, TextBlock
from bertkit.retrieval.traced import Traced, joined

# A word, or a character of the scripts that write no spaces between words.
_WORD = re.compile(r"[぀-ヿ㐀-䶿一-鿿豈-﫿฀-๿ༀ-࿿က-႟ក-៿]|[^\W぀-ヿ㐀-䶿一-鿿豈-﫿฀-๿ༀ-࿿က-႟ក-៿]+")


@dataclass(frozen=True, slots=True)
class Passage:
    """Some sentences that stand together: what is found.

    Attributes:
        text: knows where it stands.
        heading: the headings above it; empty where there is none.
        page: from 1; None where there are none.
    """

    text: Traced
    heading: str = ""
    page: int | None = None

    @property
    def in_context(self) -> str:
        """What is embedded: the text below its heading."""
        return in_context(self.heading, self.text.text)

    @property
    def digest(self) -> bytes:
        """Of what is embedded."""
        return blake2b(self.in_context.encode(), digest_size=16).digest()


def in_context(heading: str, text: str) -> str:
    """A text below its heading, as it is embedded and ranked."""
    return f"{heading}: {text}" if heading else text


class _SentenceSpan(NamedTuple):
    block: int
    start: int
    end: int
    words: int


def passages_of(document: SourceDocument, words: int, overlap: int) -> Iterator[Passage]:
    """The passages of a document. None reaches over a heading or the end of a page; of what there is none is left out.

    Args:
        words: the most in one; a character of Chinese, Japanese, Thai and their like counts as one.
        overlap: the most that are said again in the next one, whole sentences of them.
    """
    for (heading, page), group in groupby(document.blocks, key=lambda block: (block.heading, block.page)):
        blocks = list(group)
        sentences = [
            one
            for number, block in enumerate(blocks)
            for sentence in _sentences(block.text.text, number)
            for one in _pieces(block.text.text, sentence, words)
        ]
        for some in _packed(sentences, words, overlap):
            yield Passage(_text(blocks, some), heading, page)


def _sentences(text: str, block: int) -> Iterator[_SentenceSpan]:
    """The sentences of a block; the end of a line within it ends none."""
    flat = text.replace("\n", " ").replace("\r", " ")
    at = 0
    for sentence in split_sentences(flat):
        start = flat.index(sentence, at)
        at = start + len(sentence)
        yield _SentenceSpan(block, start, at, len(_WORD.findall(sentence)))


def _pieces(text: str, sentence: _SentenceSpan, most: int) -> Iterator[_SentenceSpan]:
    """The sentence; one of more words than there may be in even parts."""
    if sentence.words <= most:
        yield sentence
        return
    starts = [found.start() for found in _WORD.finditer(text, sentence.start, sentence.end)]
    pieces = -(-len(starts) // most)
    size = -(-len(starts) // pieces)
    cuts = [sentence.start, *starts[size::size], sentence.end]
    for start, end in pairwise(cuts):
        kept = text[start:end].rstrip()
        yield _SentenceSpan(sentence.block, start, start + len(kept), len(_WORD.findall(kept)))


def _packed(sentences: Sequence[_SentenceSpan], most: int, overlap: int) -> Iterator[Sequence[_SentenceSpan]]:
    """Sentences side by side in as few passages as they need, of about one size."""
    total = sum(one.words for one in sentences)
    if not total:
        return
    even = -(-total // -(-total // most))
    current: list[_SentenceSpan] = []
    fresh = said_again = 0  # words of the current one
    for one in sentences:
        if fresh and (fresh >= even or said_again + fresh + one.words > most):
            yield current
            current = _last(current, min(overlap, most - one.words))
            said_again, fresh = sum(one.words for one in current), 0
        current.append(one)
        fresh += one.words
    if fresh:
        yield current


def _last(sentences: Sequence[_SentenceSpan], words: int) -> list[_SentenceSpan]:
    """The last sentences of at most so many words."""
    kept: list[_SentenceSpan] = []
    for one in reversed(sentences):
        words -= one.words
        if words < 0:
            break
        kept.insert(0, one)
    return kept if len(kept) < len(sentences) else []


def _text(blocks: Sequence[TextBlock], sentences: Sequence[_SentenceSpan]) -> Traced:
    """The stretch from the first to the last of them in each block, a line each."""
    stretches = [list(some) for _, some in groupby(sentences, key=lambda one: one.block)]
    return joined((blocks[some[0].block].text.part(some[0].start, some[-1].end) for some in stretches), "\n")
