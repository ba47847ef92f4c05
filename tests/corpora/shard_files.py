"""Small shards, written by hand in the format of `bertkit/corpora/shards.py`, and tokenizers to read them with."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from bertkit.corpora.shards import Shard, Shards, open_shards
from bertkit.tokenization.tokenizer import Tokenizer

Document = Sequence[Sequence[int]]  # sentences of ids
SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]


def wordpiece(folder: Path, pieces: Sequence[str]) -> Tokenizer:
    """A BERT tokenizer of the special tokens and `pieces`, whose ids begin at 5."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "vocab.txt").write_text("".join(piece + "\n" for piece in [*SPECIAL, *pieces]), encoding="utf-8")
    return Tokenizer.load(folder)


def numbered_tokenizer(folder: Path, words: int = 95) -> Tokenizer:
    """A vocabulary of words `w5`, `w6`, … where every third goes on the word before it."""
    return wordpiece(folder, [f"##w{id}" if id % 3 == 0 else f"w{id}" for id in range(5, 5 + words)])


def shard_of(documents: Sequence[Document], name: str = "00000") -> Shard:
    """A shard in memory."""
    sentences = [sentence for document in documents for sentence in document]
    return Shard(
        name,
        np.array([id for sentence in sentences for id in sentence], np.uint16),
        np.cumsum([0, *map(len, sentences)]).astype(np.uint32),
        np.cumsum([0, *map(len, documents)]).astype(np.uint32),
    )


def shard_of_lengths(documents: Sequence[Sequence[int]], vocab: int = 100) -> Shard:
    """A shard of documents whose sentences have these lengths; the ids go up from 5 and begin again."""
    lengths = [length for document in documents for length in document]
    return Shard(
        "00000",
        (5 + np.arange(sum(lengths)) % (vocab - 5)).astype(np.uint16),
        np.cumsum([0, *lengths]).astype(np.uint32),
        np.cumsum([0, *map(len, documents)]).astype(np.uint32),
    )


def write_shards(folder: Path, tokenizer: Tokenizer, shards: Sequence[Shard]) -> Shards:
    """A folder of shards with a manifest and the tokenizer, opened."""
    folder.mkdir(parents=True, exist_ok=True)
    entries = []
    for number, shard in enumerate(shards):
        parts = {"tokens": shard.tokens, "sentences": shard.sentence_ends, "documents": shard.document_ends}
        sha256 = {}
        for part, values in parts.items():
            content = np.ascontiguousarray(values).tobytes()
            (folder / f"{number:05}.{part}").write_bytes(content)
            sha256[part] = hashlib.sha256(content).hexdigest()
        entries.append(
            {
                "name": f"{number:05}",
                "documents": shard.documents,
                "sentences": len(shard.sentence_ends) - 1,
                "tokens": len(shard.tokens),
                "sha256": sha256,
            }
        )
    totals = {key: sum(entry[key] for entry in entries) for key in ("documents", "sentences", "tokens")}
    manifest = {
        "vocab_sha256": tokenizer.vocab_sha256(),
        "dtype": "uint16",
        **totals,
        "settings": {},
        "counts": {},
        "shards": entries,
    }
    (folder / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")
    if not (folder / "tokenizer").exists():
        (folder / "tokenizer").mkdir()
        tokenizer.save(folder / "tokenizer")
    return open_shards(folder)


def assert_hashes(shards: Shards) -> None:
    """Every file is what the manifest says."""
    for entry in shards.manifest.shards:
        for part, sha256 in entry.sha256.items():
            content = (shards.folder / f"{entry.name}.{part}").read_bytes()
            assert hashlib.sha256(content).hexdigest() == sha256, part


def random_shard(seed: int, *, documents: int, sentences: int = 9, tokens: int = 30, vocab: int = 100) -> Shard:
    """A shard of up to so many sentences a document and tokens a sentence, at least one each."""
    random = np.random.default_rng(seed)
    counts = random.integers(1, sentences + 1, documents)
    lengths = random.integers(1, tokens + 1, counts.sum())
    return Shard(
        "00000",
        random.integers(5, vocab, lengths.sum()).astype(np.uint16),
        np.cumsum([0, *lengths]).astype(np.uint32),
        np.cumsum([0, *counts]).astype(np.uint32),
    )
