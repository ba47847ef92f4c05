"""Indexes made without a model: the vector of a text counts its words, so that texts that share words are near."""

from __future__ import annotations

import zlib
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from bertkit.config.indexing import Cutting, EmbeddingModel, IndexPrecision, IndexSettings
from bertkit.retrieval.reading import documents_of
from bertkit.retrieval.sources import digest_of, source_files
from bertkit.retrieval.writer import open_writer
from bertkit.vectors.quantising import Floats

WIDTH = 24


def settings(precision: IndexPrecision = "float16", width: int = WIDTH) -> IndexSettings:
    model = EmbeddingModel(
        source=None,
        weights="of words",
        pooling="words",
        similarity="cosine",
        max_length=99,
        dtype="float32",
        width=width,
    )
    return IndexSettings(model=model, precision=precision, cutting=Cutting(words=12, overlap=4))


def embed(texts: Sequence[str]) -> Floats:
    vectors_NW = np.full((len(texts), WIDTH), 0.01, np.float32)
    for vector_W, text in zip(vectors_NW, texts, strict=True):
        for word in text.lower().replace(".", " ").replace(":", " ").split():
            vector_W[zlib.crc32(word.encode()) % WIDTH] += 1
    return vectors_NW / np.linalg.norm(vectors_NW, axis=1, keepdims=True)


def write_files(folder: Path, files: Mapping[str, str]) -> None:
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")


def bring_up_to_date(index: Path, docs: Path, precision: IndexPrecision = "float16") -> int:
    """What `bertkit index` does; gives how many passages were embedded."""
    embedded = 0
    with open_writer(index, settings(precision)) as writer:
        files = [str(file) for file in source_files([str(docs)]).files]
        known = writer.digests()
        for file in files:
            digest = digest_of(Path(file))
            if known.get(file) != digest:
                writer.add(file, digest, documents_of(Path(file), None, _raised))
        for _, new in writer.embed(embed):
            embedded += new
        writer.remove([path for path in known if path not in files])
        writer.tidy()
    return embedded


def _raised(error: Exception) -> None:
    raise error
