"""What a process does with some documents of a corpus on their way into shards: all that needs no other document."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from itertools import chain
from pathlib import Path

import numpy as np
import numpy.typing as npt

from bertkit.corpora.documents import Document
from bertkit.corpora.duplicates import Fingerprint, fingerprint
from bertkit.corpora.filters import Filters
from bertkit.corpora.sentences import split_sentences
from bertkit.tokenization.run_cache import RunCache
from bertkit.tokenization.tokenizer import Tokenizer

CHUNK_CHARACTERS = 1_000_000
NO_TOKENS = "no_tokens"


@dataclass(frozen=True, slots=True)
class CorpusPosition:
    """Where in the corpus a document is: the number of its file, and its own number in the file."""

    source: int
    number: int


Chunk = list[tuple[CorpusPosition, Document]]


@dataclass(frozen=True, slots=True)
class ChunkRules:
    """How documents are treated; sent to each process.

    Attributes:
        tokenizer: the folder of the tokenizer.
        near: whether fingerprints are to find near duplicates too; None for no fingerprints.
        held_out: share of the documents to keep from training.
    """

    tokenizer: Path
    filters: Filters | None
    near: bool | None
    held_out: float


@dataclass(frozen=True, slots=True)
class Prepared:
    """One document of a chunk.

    Attributes:
        text_bytes: of its text as UTF-8.
        reason: why it is left out; None for a document that is kept unless it is a duplicate.
        fingerprint: by which duplicates are found; None where it is left out, or duplicates are not looked for.
        ids_T: (T,) of all its sentences end to end.
        lengths_S: (S,) tokens of each sentence, none 0.
        dropped_sentences: those without a token.
    """

    position: CorpusPosition
    text_bytes: int
    reason: str | None
    fingerprint: Fingerprint | None
    held_out: bool
    ids_T: npt.NDArray[np.uint32]
    lengths_S: npt.NDArray[np.uint32]
    dropped_sentences: int


def chunks_of(
    documents: Iterable[tuple[CorpusPosition, Document]], characters: int = CHUNK_CHARACTERS
) -> Iterator[Chunk]:
    """Documents put together to chunks of at least so many characters, the last one shorter."""
    chunk: Chunk = []
    size = 0
    for position, document in documents:
        chunk.append((position, document))
        size += 100 + len(document.text or "") + sum(map(len, document.sentences))  # 100: an empty one costs too
        if size >= characters:
            yield chunk
            chunk, size = [], 0
    if chunk:
        yield chunk


def chunk_worker(rules: ChunkRules) -> Callable[[Chunk], list[Prepared]]:
    """What prepares chunks; made once in each process."""
    return partial(_prepare_chunk, rules, RunCache(Tokenizer.load(rules.tokenizer)))


def _prepare_chunk(rules: ChunkRules, cache: RunCache, chunk: Chunk) -> list[Prepared]:
    texts = [document.text if document.text is not None else "\n".join(document.sentences) for _, document in chunk]
    reasons = [rules.filters.reason(text) if rules.filters else None for text in texts]
    sentences = [
        [] if reason else document.sentences if document.text is None else split_sentences(text)
        for (_, document), text, reason in zip(chunk, texts, reasons, strict=True)
    ]
    ids, lengths = cache.tokenize(list(chain.from_iterable(sentences)))
    prepared = []
    token = sentence = 0
    for (position, _), text, reason, cut in zip(chunk, texts, reasons, sentences, strict=True):
        lengths_S = lengths[sentence : sentence + len(cut)]
        size = int(lengths_S.sum())
        reason = reason or (None if size else NO_TOKENS)
        kept_S = lengths_S[lengths_S > 0]
        prepared.append(
            Prepared(
                position=position,
                text_bytes=len(text.encode()),
                reason=reason,
                fingerprint=None if reason or rules.near is None else fingerprint(text, near=rules.near),
                held_out=reason is None and rules.held_out > 0 and _share(text) < rules.held_out,
                ids_T=ids[token : token + size],
                lengths_S=kept_S,
                dropped_sentences=len(cut) - len(kept_S),
            )
        )
        token += size
        sentence += len(cut)
    return prepared


def _share(text: str) -> float:
    """A number from 0 to 1, below which a share of all texts is as large as the number; case and spaces put aside.

    It depends on the text alone, so that a document is held out or not whatever else is in the corpus.
    """
    digest = hashlib.blake2b(" ".join(text.casefold().split()).encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big") / 2**64
