"""Chunks that are read together and pooled apart."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest

import bertkit
from bertkit.inference.serving import served
from bertkit.server.app import Application
from bertkit.server.service import Service
from bertkit.server.settings import ServeSettings
from tests.server.conftest import Client, Serve

CHUNKS = ["w1 w2", "w3", "w4 w5 w6"]
LENGTHS = (2, 1, 3)


def vectors(client: Client, chunks: Any, **more: Any) -> Any:
    body = {"input": chunks, "model": "vectors", "late_chunking": True, **more}
    got = client.post("/v1/embeddings", body)
    assert got.status == 200, got.body
    return np.array([one["embedding"] for one in got.body["data"]])


def of_all(models: Mapping[str, bertkit.Model]) -> Any:
    """The vectors of the chunks' tokens, special ones left out."""
    tokens = bertkit.load(models["vectors"].source, task="feature-extraction").predict(" ".join(CHUNKS))
    return np.split(tokens.vectors[1:-1], np.cumsum(LENGTHS)[:-1])  # type: ignore[attr-defined]


def test_a_chunk_is_the_mean_of_its_tokens_that_have_seen_the_others(
    client: Client, models: Mapping[str, bertkit.Model]
) -> None:
    means = np.array([own.mean(axis=0) for own in of_all(models)])
    expected = means / np.linalg.norm(means, axis=1, keepdims=True)
    np.testing.assert_allclose(vectors(client, CHUNKS), expected, atol=1e-5)
    np.testing.assert_allclose(vectors(client, CHUNKS, normalized=False), means, atol=1e-5)
    assert np.abs(vectors(client, CHUNKS) - models["vectors"].encode(CHUNKS)).max() > 1e-3
    shorter = expected[:, :5] / np.linalg.norm(expected[:, :5], axis=1, keepdims=True)
    np.testing.assert_allclose(vectors(client, CHUNKS, dimensions=5), shorter, atol=1e-5)


def test_text_that_is_too_long_together_is_refused_cut_or_read_in_windows(client: Client, serve_models: Serve) -> None:
    many = ["w1 w2 w3"] * 20
    refused = client.post("/v1/embeddings", {"input": many, "late_chunking": True})
    assert (refused.status, refused.body["error"]["code"]) == (400, "context_length_exceeded")
    cut = client.post("/v1/embeddings", {"input": many, "late_chunking": True, "truncate": "END"})
    assert (cut.status, "behind what the model reads" in cut.body["error"]["message"]) == (400, True)
    assert len(vectors(serve_models("vectors", truncate="windows"), many)) == 20


@pytest.mark.parametrize(
    ("given", "words"),
    [(["w1", " "], "chunk 2 has no tokens"), ([[11, 12]], "late chunking of token ids"), ([], "there is no text")],
)
def test_what_is_no_chunk_is_refused(client: Client, given: Any, words: str) -> None:
    got = client.post("/v1/embeddings", {"input": given, "late_chunking": True})
    assert (got.status, words in got.body["error"]["message"]) == (400, True)


def test_a_model_that_does_not_take_the_mean_is_refused(models: Mapping[str, bertkit.Model]) -> None:
    first = bertkit.load(models["vectors"].source, task="sentence-embedding", pooling="cls")
    application = Application(ServeSettings())
    service = Service([served("vectors", first)], application.settings)
    service.start()
    application.serve(service)
    got = Client(application).post("/v1/embeddings", {"input": CHUNKS, "late_chunking": True})
    service.close()
    assert (got.status, "does not take the mean" in got.body["error"]["message"]) == (400, True)
