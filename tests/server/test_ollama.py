"""Ollama's embeddings."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

import bertkit
from tests.server.conftest import Client

LONG = " ".join(["w1"] * 60)


def test_vectors_of_one_and_of_several(client: Client, models: Mapping[str, bertkit.Model]) -> None:
    expected = models["vectors"].encode(["w1 w2", "w3"])
    expected /= np.linalg.norm(expected, axis=1, keepdims=True)
    got = client.post("/api/embed", {"model": "vectors:latest", "input": ["w1 w2", "w3"]})
    np.testing.assert_allclose(got.body["embeddings"], expected, atol=1e-6)
    assert (got.body["model"], got.body["prompt_eval_count"]) == ("vectors:latest", 7)
    assert got.body["total_duration"] > 0
    got = client.post("/api/embed", {"model": "vectors", "input": "w3"})
    np.testing.assert_allclose(got.body["embeddings"], expected[1:], atol=1e-6)


def test_a_text_too_long_is_cut_unless_that_is_not_wanted(client: Client) -> None:
    assert client.post("/api/embed", {"input": LONG}).headers["x-bertkit-truncated"] == "true"
    got = client.post("/api/embed", {"input": LONG, "truncate": False})
    assert (got.status, list(got.body)) == (413, ["error"])


def test_models_are_listed(client: Client) -> None:
    assert client.get("/api/tags").body["models"][0] == {"name": "vectors:latest", "model": "vectors:latest"}
