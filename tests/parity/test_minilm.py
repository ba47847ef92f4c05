"""The built-in model computes what transformers and sentence-transformers compute with it, on real sentences."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from sentence_transformers import SentenceTransformer
from transformers import AutoModel, AutoTokenizer

import bertkit
from bertkit.checkpoints.embedded import embedded_folder
from bertkit.tasks.feature_extraction import TokenVectors
from bertkit.tasks.sentence_embedding import Embedding

FEW = [
    "Padding is work that nobody asked for.",
    "The cat sat on the mat.",
    "naïve café, 東京 2024!",
    "x",
    "A much longer sentence, with clauses, commas, and no particular point, goes on for a while and then stops.",
]


@pytest.fixture(scope="module")
def sentences(test_data: Path) -> list[str]:
    lines = (test_data / "glue" / "SST-2" / "train.tsv").read_text(encoding="utf-8").splitlines()[1:1001]
    return [line.partition("\t")[0] for line in lines]


def embed(model: bertkit.Model, texts: list[str]) -> np.ndarray:
    return np.stack([result.embedding for result in model.predict(texts) if isinstance(result, Embedding)])


def assert_same_sentence_vectors(texts: list[str]) -> None:
    peer = SentenceTransformer(str(embedded_folder()), device="cpu")
    ours = embed(bertkit.load(dtype="float32"), texts)
    assert np.abs(ours - peer.encode(texts, batch_size=1)).max() <= 1e-6
    assert np.abs(ours - peer.encode(texts, batch_size=16)).max() <= 1e-6


@torch.inference_mode()
def assert_same_hidden_states(texts: list[str]) -> None:
    folder = embedded_folder()
    peer, tokenizer = AutoModel.from_pretrained(folder).eval(), AutoTokenizer.from_pretrained(folder)
    results = bertkit.load(task="feature-extraction", dtype="float32").predict(texts)
    for text, result in zip(texts, results, strict=True):
        assert isinstance(result, TokenVectors)
        expected = peer(**tokenizer(text, return_tensors="pt", padding=False)).last_hidden_state[0].numpy()
        assert np.abs(result.vectors - expected).max() <= 5e-5


def assert_rows_alone(texts: list[str]) -> None:
    model = bertkit.load(dtype="float32")
    together = embed(model, texts)
    assert np.abs(together - np.concatenate([embed(model, [text]) for text in texts])).max() <= 1e-6
    assert np.abs(together[::-1] - embed(model, texts[::-1])).max() <= 1e-6


def test_a_few_sentences() -> None:
    assert_same_sentence_vectors(FEW)
    assert_same_hidden_states(FEW)
    assert_rows_alone(FEW)


@pytest.mark.slow
@pytest.mark.data
def test_sentence_vectors_on_1000_real_sentences(sentences: list[str]) -> None:
    assert_same_sentence_vectors(sentences)


@pytest.mark.slow
@pytest.mark.data
def test_hidden_states_on_1000_real_sentences(sentences: list[str]) -> None:
    assert_same_hidden_states(sentences)


@pytest.mark.slow
@pytest.mark.data
def test_rows_alone_on_1000_real_sentences(sentences: list[str]) -> None:
    assert_rows_alone(sentences)


def test_bfloat16_stays_close() -> None:
    exact, rounded = (embed(bertkit.load(dtype=dtype), FEW) for dtype in ("float32", "bfloat16"))
    assert (exact * rounded).sum(axis=1).min() > 0.999
