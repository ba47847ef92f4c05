"""vLLM's routes for encoders."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest

import bertkit
from tests.server.conftest import Client, Serve

LONG = " ".join(["w1"] * 60)


@pytest.mark.parametrize(
    "body",
    [
        {"text_1": "w1", "text_2": ["w2", "w3 w4"]},
        {"text_1": ["w1", "w1"], "text_2": ["w2", "w3 w4"]},
        {"queries": "w1", "documents": ["w2", "w3 w4"]},
    ],
)
def test_pairs_are_scored_by_what_ranks(client: Client, models: Mapping[str, bertkit.Model], body: Any) -> None:
    got = client.post("/score", body)
    ranking = models["ranks"].predict({"query": "w1", "documents": ["w2", "w3 w4"]}).ranking  # type: ignore[attr-defined]
    expected = {one.index: one.score for one in ranking}
    assert {one["index"]: one["score"] for one in got.body["data"]} == pytest.approx(expected, abs=1e-6)
    assert got.body["usage"]["total_tokens"] > 0


def test_without_one_pairs_are_scored_by_cosines(
    client: Client, serve_models: Serve, models: Mapping[str, bertkit.Model]
) -> None:
    vectors = models["vectors"].encode(["w1", "w2"])
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    body = {"text_1": "w1", "text_2": "w2"}
    for got in (serve_models("vectors").post("/score", body), client.post("/v1/score", {**body, "model": "vectors"})):
        assert got.body["data"][0]["score"] == pytest.approx(float(vectors[0] @ vectors[1]), abs=1e-5)


def test_classes(client: Client, models: Mapping[str, bertkit.Model]) -> None:
    got = client.post("/classify", {"input": ["w1", "w2 w3"]})
    for item, answer in zip(got.body["data"], models["classes"].predict(["w1", "w2 w3"]), strict=True):
        scores = {one.label: one.score for one in answer.labels}  # type: ignore[attr-defined]
        assert item["probs"] == pytest.approx([scores[name] for name in ("no", "yes", "maybe")], abs=1e-6)
        assert (item["label"], item["num_classes"]) == (answer.labels[0].label, 3)  # type: ignore[attr-defined]
    infinity = client.post("/classify", {"input": ["w1"], "raw_scores": False}).body
    assert infinity["object"] == "classify"
    assert infinity["data"][0][0].keys() == {"label", "score"}


def test_pooling(client: Client, models: Mapping[str, bertkit.Model], folders: Mapping[str, Any]) -> None:
    got = client.post("/pooling", {"input": ["w1", "w2"], "encoding_format": "base64"})
    vectors = [np.frombuffer(base64.b64decode(one["data"]), "<f4") for one in got.body["data"]]
    np.testing.assert_allclose(vectors, models["vectors"].encode(["w1", "w2"]), atol=1e-6)
    tokens = client.post("/pooling", {"input": "w1", "task": "token_embed"}).body["data"][0]["data"]
    assert np.shape(tokens) == (3, 33)
    classes = client.post("/pooling", {"input": "w1", "task": "classify"}).body["data"][0]["data"]
    assert sum(classes) == pytest.approx(1, abs=1e-6)


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/score", {"text_1": "w1"}),
        ("/score", {"text_1": [], "text_2": ["w1"]}),
        ("/score", {"text_1": ["w1", "w2"], "text_2": ["w1"] * 3}),
        ("/score", {"text_1": "w1", "text_2": "w1", "model": "masks"}),
        ("/classify", {"input": []}),
        ("/pooling", {"input": [], "task": "token_embed"}),
        ("/pooling", {"input": LONG}),
        ("/pooling", {"input": LONG, "truncate_prompt_tokens": 5}),
    ],
)
def test_errors_are_nested(client: Client, path: str, body: Any) -> None:
    got = client.post(path, body)
    assert got.status == 400
    assert got.body["error"]["message"]


def test_a_text_too_long_is_cut_where_that_is_asked_for(client: Client) -> None:
    got = client.post("/pooling", {"input": LONG, "truncate_prompt_tokens": -1})
    assert (got.status, got.headers["x-bertkit-truncated"]) == (200, "true")
