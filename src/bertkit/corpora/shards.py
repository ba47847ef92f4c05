"""Shards: a corpus as token ids on disk, mapped into memory, with where each sentence and each document ends.

```
SHARDS/
  manifest.json        what is in it: counts, hashes, the vocabulary's fingerprint, how it was made
  tokenizer/           the tokenizer whose ids these are, as the hub's files
  00000.tokens         ids, little endian, uint16 or (more than 65,536 ids) uint32, no special tokens
  00000.sentences      uint32: 0, then where each sentence ends, counted in tokens of the shard
  00000.documents      uint32: 0, then where each document ends, counted in sentences of the shard
  00001.tokens …
  held-out/            documents kept from training, where that was asked for: a folder of shards like this one
```
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import numpy.typing as npt

from bertkit.config.strict import Strict, parse
from bertkit.errors import InputError

MANIFEST, TOKENIZER, HELD_OUT = "manifest.json", "tokenizer", "held-out"
PARTS = ("tokens", "sentences", "documents")
Ids = npt.NDArray[np.uint16] | npt.NDArray[np.uint32]
Ends = npt.NDArray[np.uint32]


class ShardEntry(Strict):
    """One shard in the manifest: its counts, and the sha256 of each of its files by the file's ending."""

    name: str
    documents: int
    sentences: int
    tokens: int
    sha256: dict[str, str]


class Manifest(Strict):
    """What a folder of shards says of itself.

    Attributes:
        vocab_sha256: the tokenizer's fingerprint, as `Tokenizer.vocab_sha256` gives it.
        dtype: of the `.tokens` files.
        settings: how it was made: every option that changes what is in it.
        counts: what was read and left out on the way: documents read, exact and near duplicates, filtered by reason …
    """

    schema_version: Literal[1] = 1
    vocab_sha256: str
    dtype: Literal["uint16", "uint32"]
    documents: int
    sentences: int
    tokens: int
    settings: dict[str, object]
    counts: dict[str, int]
    shards: list[ShardEntry]

    def sha256(self) -> str:
        """The fingerprint of the data: of the vocabulary and of every shard's files, in order."""
        parts = [self.vocab_sha256, *(shard.sha256[part] for shard in self.shards for part in PARTS)]
        return hashlib.sha256("\n".join(parts).encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class Shard:
    """One shard, mapped into memory.

    Attributes:
        tokens: ids of all documents end to end.
        sentence_ends: (S + 1,), 0 first: sentence `s` is `tokens[sentence_ends[s]:sentence_ends[s + 1]]`.
        document_ends: (D + 1,), 0 first: document `d` is sentences `document_ends[d]` to `document_ends[d + 1]`.
    """

    name: str
    tokens: Ids
    sentence_ends: Ends
    document_ends: Ends

    @property
    def documents(self) -> int:
        """How many documents there are."""
        return len(self.document_ends) - 1


@dataclass(frozen=True, slots=True)
class Shards:
    """An open folder of shards.

    Attributes:
        folder: the folder; its tokenizer is in `folder / "tokenizer"`.
    """

    folder: Path
    manifest: Manifest

    def __len__(self) -> int:
        return len(self.manifest.shards)

    def __iter__(self) -> Iterator[Shard]:
        return (self[place] for place in range(len(self)))

    def __getitem__(self, place: int) -> Shard:
        """A shard; only what is read of it takes memory."""
        entry = self.manifest.shards[place]
        kinds = {"tokens": self.manifest.dtype, "sentences": "uint32", "documents": "uint32"}
        lengths = {"tokens": entry.tokens, "sentences": entry.sentences + 1, "documents": entry.documents + 1}
        parts = [_mapped(self.folder / f"{entry.name}.{part}", kinds[part], lengths[part]) for part in PARTS]
        return Shard(entry.name, *parts)


def open_shards(folder: Path) -> Shards:
    """The shards in `folder`.

    Raises:
        InputError: no shards there, a file is missing or has another size than the manifest says.
        ConfigError: the manifest has an unknown or a bad key.
    """
    path = folder / MANIFEST
    if not path.is_file():
        raise InputError(f"{folder}: no {MANIFEST}", "Name a folder that `bertkit prepare` has made.")
    try:
        values = json.loads(path.read_bytes())
    except ValueError as error:
        raise InputError(f"{path}: not JSON: {error}", "Prepare the shards again.") from None
    shards = Shards(folder, parse(Manifest, values, str(path)))
    for _ in shards:
        pass  # opening each checks that it is there and whole
    return shards


def _mapped(path: Path, dtype: str, length: int) -> npt.NDArray[np.uint32]:
    kind = np.dtype(dtype).newbyteorder("<")
    size = path.stat().st_size if path.is_file() else -1
    if size != length * kind.itemsize:
        raise InputError(
            f"{path}: is missing or has {max(size, 0)} bytes instead of {length * kind.itemsize}",
            "Prepare the shards again, or copy them again.",
        )
    if length == 0:
        return np.empty(0, kind)
    return np.memmap(path, kind, mode="r", shape=(length,))
