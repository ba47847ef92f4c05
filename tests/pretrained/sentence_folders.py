"""Folders of sentence-transformers around one tiny random BERT, and what the library and bertkit make of them."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from sentence_transformers import CrossEncoder, SentenceTransformer
from transformers import BertForSequenceClassification

import bertkit
from tests.parity.bert_peer import Sizes, make_peer

WIDTH = Sizes().width
TEXTS = ["paris is a city", "w1 w2 w3", "Paris", "w5 w6 w7 w8 w9 w10 w11"]
QUERY, DOCUMENTS = "paris", ["is a city", "w1 w2 w3 w4", "w7"]
OLD = "sentence_transformers.models."
Vectors = npt.NDArray[np.float32]


def make_base(folder: Path, labels: int | None = None) -> Path:
    """A cased BERT: its letters only become small where a test says so."""
    make_peer(Sizes(), folder, deviation=0.3)
    if labels is not None:
        torch.manual_seed(1)
        model = BertForSequenceClassification.from_pretrained(folder, num_labels=labels)
        torch.nn.init.normal_(model.classifier.weight)
        model.save_pretrained(folder)
    write(folder / "tokenizer_config.json", {"tokenizer_class": "BertTokenizer", "do_lower_case": False})
    return folder


def write(path: Path, values: object) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(values))


def change(path: Path, **values: object) -> None:
    write(path, json.loads(path.read_text()) | values)


def sentence_folder(
    base: Path,
    place: Path,
    *,
    transformer: Mapping[str, object] | None = None,
    pooling: Mapping[str, object] | None = None,
    model: Mapping[str, object] | None = None,
    more: Sequence[str] = (),
) -> Path:
    """Transformer and Pooling, and more modules by name; their files are up to the caller."""
    shutil.copytree(base, place)
    kinds = ["Transformer", "Pooling", *more]
    paths = ["", *(f"{number}_{kind}" for number, kind in enumerate(kinds[1:], 1))]
    named = enumerate(zip(kinds, paths, strict=True))
    write(
        place / "modules.json",
        [{"idx": n, "name": str(n), "path": path, "type": OLD + kind} for n, (kind, path) in named],
    )
    write(place / "1_Pooling/config.json", {"word_embedding_dimension": WIDTH, **(pooling or {})})
    if transformer is not None:
        write(place / "sentence_bert_config.json", transformer)
    if model is not None:
        write(place / "config_sentence_transformers.json", model)
    return place


def theirs(folder: Path, texts: Sequence[str] = TEXTS, **options: Any) -> Vectors:
    """The library's vectors."""
    vectors: Vectors = SentenceTransformer(str(folder), device="cpu").encode(list(texts), **options)
    return vectors


def ours(folder: Path, texts: Sequence[str] = TEXTS, **options: Any) -> Vectors:
    """bertkit's vectors; texts that are too long are cut, as the library does."""
    model = bertkit.load(folder, task="sentence-embedding", dtype="float32", long="truncate", **options)
    return np.stack([result.embedding for result in model.predict(texts)])  # type: ignore[attr-defined]


def assert_same(folder: Path, texts: Sequence[str] = TEXTS) -> Vectors:
    """Both give the same vectors, also of what bertkit saves; these."""
    expected = theirs(folder, texts)
    np.testing.assert_allclose(ours(folder, texts), expected, atol=5e-6)
    saved = folder.parent / f"{folder.name}-saved"
    bertkit.load(folder, task="sentence-embedding").save(saved)
    np.testing.assert_allclose(theirs(saved, texts), expected, atol=5e-6)
    np.testing.assert_allclose(ours(saved, texts), expected, atol=5e-6)
    shutil.rmtree(saved)
    return expected


def their_scores(folder: Path, documents: Sequence[str] = DOCUMENTS) -> list[float]:
    """The library's scores of documents."""
    pairs = [(QUERY, document) for document in documents]
    scores: list[float] = CrossEncoder(str(folder), device="cpu").predict(pairs).tolist()
    return scores


def our_scores(folder: Path, documents: Sequence[str] = DOCUMENTS, **options: Any) -> list[float]:
    """bertkit's scores of documents, in their order."""
    model = bertkit.load(folder, task="text-ranking", dtype="float32", long="truncate", **options)
    (result,) = model.predict([{"query": QUERY, "documents": list(documents)}])
    ranking = {one["index"]: one["score"] for one in result.record()["ranking"]}  # type: ignore[attr-defined]
    return [ranking[place] for place in range(len(documents))]
