"""Where the sentences and the documents of a shard that have any tokens begin and end."""

from __future__ import annotations

from typing import TypeVar

import numpy as np
import numpy.typing as npt

from bertkit.corpora.shards import Shard

T = TypeVar("T", bound=np.generic)
Offsets = npt.NDArray[np.int64]


def sentence_token_ends(shard: Shard) -> Offsets:
    """Where each sentence ends, in tokens of the shard, 0 first; empty sentences are left out."""
    return distinct(np.asarray(shard.sentence_ends).astype(np.int64))


def document_token_ends(shard: Shard) -> Offsets:
    """Where each document ends, in tokens of the shard, 0 first; empty documents are left out."""
    return distinct(np.asarray(shard.sentence_ends)[np.asarray(shard.document_ends)].astype(np.int64))


def distinct(ascending: npt.NDArray[T]) -> npt.NDArray[T]:
    """Each value once; `np.unique` does not know that they are in order, and is many times slower."""
    return np.asarray(ascending[np.append(True, ascending[1:] != ascending[:-1])])
