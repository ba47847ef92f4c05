"""What is trained on in `benchmarks.pretraining`: shards of two cases, and the same sequences as lists for the peers.

Mixed: each paragraph of Wikipedia is a sequence, of 8 to 512 tokens; a longer one is cut. Full: the same ids end to end
and cut into sequences of exactly 512. Without the data, random ids, in paragraphs whose lengths are log-normal, as real
ones are.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterable, Iterator
from itertools import pairwise
from pathlib import Path

import numpy as np

from bertkit.corpora.documents import read_documents
from bertkit.corpora.shard_writer import ShardWriter, dtype_of
from bertkit.corpora.shards import MANIFEST, TOKENIZER, Manifest, ShardEntry, open_shards
from bertkit.tokenization.tokenizer import Tokenizer
from bertkit.workflows.prepare import open_vocab

LENGTH, SHORTEST = 512, 8
SPECIAL_TOKENS = 2
CASES = ("mixed", "full")
TOKENS = 1_200_000
TEXT_CHARACTERS = 5 * TOKENS


def make_shards(place: Path, corpus: Path | None, vocab: str | None) -> dict[str, Path]:
    """A folder of shards for each case.

    Args:
        corpus: a file of WikiExtractor's; random ids where None.
        vocab: as `bertkit prepare --vocab` takes it; the built-in model's where None.
    """
    if corpus is None:
        tokenizer = open_vocab(vocab)
        paragraphs = _random_paragraphs(tokenizer.vocab_size)
    else:
        prepared = _prepared(place, corpus, vocab)
        tokenizer = Tokenizer.load(prepared / TOKENIZER)
        paragraphs = _paragraphs(prepared)
    room = LENGTH - SPECIAL_TOKENS
    pieces = [text[at : at + room] for text in paragraphs for at in range(0, len(text), room)]
    pieces = [piece for piece in pieces if len(piece) + SPECIAL_TOKENS >= SHORTEST]
    ids = np.concatenate(pieces)
    cuts: dict[str, Iterable[np.ndarray]] = {"mixed": pieces, "full": ids[: len(ids) // room * room].reshape(-1, room)}
    return {case: _write(place / case, tokenizer, cuts[case]) for case in CASES}


def sequences(shards: Path) -> list[list[int]]:
    """The sequences of a case with their special tokens: those that bertkit's stream makes of the shards."""
    specials = Tokenizer.load(shards / TOKENIZER).specials
    assert specials.cls is not None
    assert specials.sep is not None
    return [[specials.cls, *ids.tolist(), specials.sep] for ids in _paragraphs(shards)]


def mean_length(shards: Path) -> float:
    """Mean tokens of a case's sequences."""
    manifest = open_shards(shards).manifest
    return manifest.tokens / manifest.documents + SPECIAL_TOKENS


def _prepared(place: Path, corpus: Path, vocab: str | None) -> Path:
    """What `bertkit prepare` makes of the paragraphs of a file, each as a document."""
    text, folder = place / "paragraphs.txt", place / "paragraphs"
    lines = (line for document in read_documents(str(corpus)) for line in (document.text or "").splitlines())
    with text.open("w", encoding="utf-8") as file:
        written = 0
        for line in lines:
            if len(line) >= 4 * SHORTEST:  # a heading is not a text
                written += file.write(line + "\n")
            if written > TEXT_CHARACTERS:
                break
    command = [sys.executable, "-m", "bertkit", "prepare", str(text), "-o", str(folder), "--format", "lines"]
    command += ["--no-filters", "--keep-duplicates", "--json", *(["--vocab", vocab] if vocab else [])]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    return folder


def _paragraphs(folder: Path) -> Iterator[np.ndarray]:
    for shard in open_shards(folder):
        ends = shard.sentence_ends[shard.document_ends]
        yield from (np.asarray(shard.tokens[begin:end]) for begin, end in pairwise(ends))


def _random_paragraphs(vocab_size: int) -> Iterator[np.ndarray]:
    chance = np.random.default_rng(0)
    lengths = np.clip(np.round(chance.lognormal(4.5, 0.9, TOKENS // 100)), SHORTEST, LENGTH).astype(int)
    return (chance.integers(1_000, vocab_size, length) for length in lengths.tolist())


def _write(folder: Path, tokenizer: Tokenizer, documents: Iterable[np.ndarray]) -> Path:
    """Shards in which each document is one sentence."""
    entries: list[ShardEntry] = []
    dtype = dtype_of(tokenizer.vocab_size)
    writer = ShardWriter(folder, dtype, entries)
    for ids in documents:
        writer.add(ids.astype(np.uint32), np.array([len(ids)], np.uint32))
    writer.finish()
    tokenizer.save(folder / TOKENIZER)
    manifest = Manifest(
        vocab_sha256=tokenizer.vocab_sha256(),
        dtype=dtype,
        documents=sum(entry.documents for entry in entries),
        sentences=sum(entry.sentences for entry in entries),
        tokens=sum(entry.tokens for entry in entries),
        settings={},
        counts={},
        shards=entries,
    )
    (folder / MANIFEST).write_text(manifest.model_dump_json())
    return folder
