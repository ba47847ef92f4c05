"""Corpora to prepare, and what has become of them."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator, Sequence
from pathlib import Path

from bertkit.corpora.prepare_state import PreparationRecipe
from bertkit.corpora.sentences import split_sentences
from bertkit.corpora.shards import Shard, open_shards
from bertkit.tokenization.tokenizer import Tokenizer

WORDS = ["the", "cat", "sat", "mat", "hat", "un", "##able", "on", "a", "b", "##b", "##a", ".", ",", "!"]
RECIPE = PreparationRecipe(filters=None, duplicates="exact", shard_tokens=2_000)
Files = dict[str, bytes]


def texts(count: int, seed: int = 0) -> list[str]:
    """Documents of some sentences; a few occur twice, a few are without a token."""
    chance = random.Random(seed)
    made: list[str] = []
    for _ in range(count):
        sentences = [
            " ".join(chance.choices(["The", "cat", "sat,", "mat", "hat", "unable", "on", "abba", "zzz"], k=8)) + "."
            for _ in range(chance.randint(1, 6))
        ]
        made.append(chance.choice(made) if made and chance.random() < 0.05 else " ".join(sentences))
    return ["\x01" if chance.random() < 0.02 else text for text in made]


def write(path: Path, documents: Sequence[str]) -> str:
    path.write_text("".join(json.dumps({"text": text}) + "\n" for text in documents))
    return str(path)


def files_of(folder: Path) -> Files:
    """What is in a folder of shards, but for what only `prepare` reads."""
    paths = (path for path in folder.rglob("*") if path.is_file() and ".prepare" not in path.parts)
    return {str(path.relative_to(folder)): path.read_bytes() for path in paths}


def documents_of(folder: Path) -> Iterator[list[list[int]]]:
    for shard in open_shards(folder):
        yield from (sentences_of(shard, number) for number in range(shard.documents))


def sentences_of(shard: Shard, document: int) -> list[list[int]]:
    first, last = shard.document_ends[document : document + 2]
    ends = shard.sentence_ends
    return [shard.tokens[ends[s] : ends[s + 1]].tolist() for s in range(first, last)]


def ids_of(tokenizer: Tokenizer, text: str) -> list[list[int]]:
    return [list(tokens.ids) for tokens in tokenizer.tokenize(split_sentences(text))]
