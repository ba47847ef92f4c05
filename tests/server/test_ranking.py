"""One route for two protocols, and NVIDIA's."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest

import bertkit
from tests.server.conftest import Client, Serve

DOCUMENTS = ["w2 w3", "w1", "w4 w5 w6"]
LONG = " ".join(["w1"] * 60)


@pytest.fixture
def expected(models: Mapping[str, bertkit.Model]) -> list[tuple[int, float]]:
    ranking = models["ranks"].predict({"query": "w1", "documents": DOCUMENTS}).ranking  # type: ignore[attr-defined]
    return [(one.index, pytest.approx(one.score, abs=1e-6)) for one in ranking]


def test_texts_are_answered_by_a_list(client: Client, expected: list[tuple[int, float]]) -> None:
    """As llama-index and litellm ask: keys that are none of the protocol's are passed over."""
    got = client.post("/rerank", {"query": "w1", "texts": DOCUMENTS, "whatever": 1, "return_documents": True})
    assert [(one["index"], one["score"]) for one in got.body] == expected
    assert "text" not in got.body[0]
    got = client.post("/rerank", {"query": "w1", "texts": DOCUMENTS, "return_text": True, "top_n": 2})
    assert [one["text"] for one in got.body] == [DOCUMENTS[index] for index, _ in expected[:2]]
    raw = client.post("/rerank", {"query": "w1", "texts": DOCUMENTS, "raw_scores": True}).body
    assert [1 / (1 + np.exp(-one["score"])) for one in raw] == [score for _, score in expected]


@pytest.mark.parametrize("path", ["/rerank", "/v1/rerank", "/v2/rerank"])
def test_documents_are_answered_by_an_object(client: Client, expected: list[tuple[int, float]], path: str) -> None:
    given: list[Any] = [DOCUMENTS[0], {"text": DOCUMENTS[1]}, DOCUMENTS[2]]
    got = client.post(path, {"model": "ranks", "query": "w1", "documents": given, "top_n": 2, "return_documents": True})
    results = got.body["results"]
    assert [(one["index"], one["relevance_score"]) for one in results] == expected[:2]
    assert [one["document"]["text"] for one in results] == [DOCUMENTS[index] for index, _ in expected[:2]]
    assert got.body["id"]
    assert got.body["meta"]["truncated"] is False
    assert got.body["usage"]["total_tokens"] > 0


def test_nvidias_gives_logits_and_refuses_what_is_too_long(client: Client, expected: list[tuple[int, float]]) -> None:
    passages = [{"text": text} for text in DOCUMENTS]
    got = client.post("/v1/ranking", {"model": "ranks", "query": {"text": "w1"}, "passages": passages}).body["rankings"]
    assert [(one["index"], 1 / (1 + np.exp(-one["logit"]))) for one in got] == expected
    body = {"query": {"text": "w1"}, "passages": [{"text": LONG}]}
    assert client.post("/v1/ranking", body).status == 413
    assert client.post("/v1/ranking", {**body, "truncate": "END"}).status == 200


def test_a_document_too_long_is_cut_unless_asked_otherwise(client: Client, serve_models: Serve) -> None:
    body = {"query": "w1", "documents": [LONG]}
    assert client.post("/v2/rerank", body).body["meta"]["truncated"] is True
    assert client.post("/v2/rerank", {**body, "truncate": "NONE"}).status == 400
    assert client.post("/rerank", {"query": "w1", "texts": [LONG], "truncate": False}).status == 422
    got = serve_models("ranks", truncate="windows").post("/v2/rerank", body)
    assert (got.body["meta"]["truncated"], got.headers["x-bertkit-windows"] != "1") == (False, True)


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"query": "q"}, 400),
        ({"query": "q", "texts": []}, 400),
        ({"query": "q", "documents": [{"title": "t"}]}, 422),
        ({"query": "q", "documents": ["w1"] * 1_001}, 422),
        ({"texts": ["w1"]}, 422),
        ({"query": "", "texts": ["w1"]}, 200),
        ({"query": "w1", "texts": [""]}, 400),
        ({"query": "q", "texts": ["w1"], "model": "vectors"}, 422),
    ],
)
def test_what_cannot_be_ranked_says_so_to_both(client: Client, body: Any, status: int) -> None:
    got = client.post("/rerank", body)
    if status == 200:
        status = 400  # an empty query is no text either
    assert got.status == status
    assert got.body.keys() == {"error", "error_type", "message"}
