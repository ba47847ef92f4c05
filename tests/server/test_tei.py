"""Requests as clients of text-embeddings-inference send them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest

import bertkit
from tests.server.conftest import Client, Serve

LONG = " ".join(["w1"] * 60)


def test_embed(client: Client, models: Mapping[str, bertkit.Model]) -> None:
    got = client.post("/embed", {"inputs": ["w1 w2", "w3"], "truncate": True})
    np.testing.assert_allclose(got.body, models["vectors"].encode(["w1 w2", "w3"]), atol=1e-6)
    got = client.post("/embed", {"inputs": "w1", "normalize": False, "dimensions": 3})
    np.testing.assert_allclose(got.body, models["vectors"].encode(["w1"])[:, :3] * norm(client), rtol=1e-4)
    for name in ("compute-type", "compute-time", "total-time", "tokenization-time", "queue-time", "inference-time"):
        assert got.headers[f"x-{name}"]


def norm(client: Client) -> float:
    return float(np.linalg.norm(client.post("/embed", {"inputs": "w1", "normalize": False}).body))


def test_a_text_too_long_is_cut_as_it_is_there_and_the_answer_says_so(client: Client, serve_models: Serve) -> None:
    got = client.post("/embed", {"inputs": LONG})
    assert (got.status, got.headers["x-bertkit-truncated"]) == (200, "true")
    right, left = (
        client.post("/embed", {"inputs": f"w2 {LONG}", "truncation_direction": side}) for side in ("Right", "Left")
    )
    assert right.body != left.body
    assert left.body == got.body
    got = client.post("/embed", {"inputs": LONG, "truncate": False})
    assert (got.status, got.body["error_type"]) == (422, "Validation")
    never = serve_models("vectors", truncate="never")
    assert never.post("/embed", {"inputs": LONG}).status == 422
    windows = serve_models("vectors", truncate="windows").post("/embed", {"inputs": LONG})
    assert (windows.headers["x-bertkit-truncated"], windows.headers["x-bertkit-windows"]) == ("false", "3")


def test_embed_all(client: Client, models: Mapping[str, bertkit.Model], folders: Mapping[str, Any]) -> None:
    got = client.post("/embed_all", {"inputs": ["w1 w2", "w3"]})
    expected = bertkit.load(folders["vectors"], task="feature-extraction").predict(["w1 w2", "w3"])
    for vectors, one in zip(got.body, expected, strict=True):
        np.testing.assert_allclose(vectors, one.vectors, atol=1e-5)


def test_predict_tells_a_text_a_pair_and_a_batch(client: Client, models: Mapping[str, bertkit.Model]) -> None:
    single, pair = models["classes"].predict(["w1", {"text": "w1", "text_pair": "w2"}])
    alone = client.post("/predict", {"inputs": "w1"}).body
    assert [one["label"] for one in alone] == [one.label for one in single.labels]  # type: ignore[attr-defined]
    assert alone[0]["score"] == pytest.approx(single.labels[0].score, abs=1e-6)  # type: ignore[attr-defined]
    assert client.post("/predict", {"inputs": ["w1", "w2"]}).body[0]["score"] == pytest.approx(
        pair.labels[0].score,  # type: ignore[attr-defined]
        abs=1e-6,
    )
    batch = client.post("/predict", {"inputs": [["w1"], ["w1", "w2"]]}).body
    assert [one[0]["label"] for one in batch] == [single.labels[0].label, pair.labels[0].label]  # type: ignore[attr-defined]
    raw = client.post("/predict", {"inputs": "w1", "raw_scores": True}).body
    powers = np.exp([one["score"] for one in raw])
    np.testing.assert_allclose(powers / powers.sum(), [one["score"] for one in alone], atol=1e-6)


def test_similarity(client: Client, models: Mapping[str, bertkit.Model]) -> None:
    got = client.post("/similarity", {"inputs": {"source_sentence": "w1", "sentences": ["w2", "w1"]}, "parameters": {}})
    vectors = models["vectors"].encode(["w1", "w2"])
    assert got.body == pytest.approx([float(vectors[0] @ vectors[1]), 1.0], abs=1e-5)


def test_tokenize_and_decode(client: Client, models: Mapping[str, bertkit.Model]) -> None:
    got = client.post("/tokenize", {"inputs": ["w1 w22"]})
    cls, first, second, sep = got.body[0]
    assert cls == {"id": 2, "text": "[CLS]", "special": True, "start": None, "stop": None}
    assert (first["text"], first["start"], first["stop"], first["special"]) == ("w1", 0, 2, False)
    assert (second["text"], sep["text"]) == ("w22", "[SEP]")
    ids = [one["id"] for one in got.body[0]]
    assert client.post("/decode", {"ids": ids}).body == ["w1 w22"]
    assert client.post("/decode", {"ids": [ids, ids[1:2]], "skip_special_tokens": False}).body == [
        "[CLS] w1 w22 [SEP]",
        "w1",
    ]
    assert len(client.post("/tokenize", {"inputs": "w1", "add_special_tokens": False}).body[0]) == 1


def test_info_says_what_is_loaded(client: Client, serve_models: Serve) -> None:
    info = client.get("/info").body
    assert info["model_type"] == {"embedding": {"pooling": "mean"}}
    assert (info["model_id"], info["auto_truncate"], info["max_client_batch_size"]) == ("vectors", True, 2048)
    info = serve_models("classes", truncate="never").get("/info").body
    assert info["model_type"]["classifier"]["label2id"] == {"no": 0, "yes": 1, "maybe": 2}
    assert not info["auto_truncate"]
    assert "reranker" in serve_models("ranks").get("/info").body["model_type"]
    assert client.get("/ping").status == 200


@pytest.mark.parametrize(
    ("path", "body", "status", "kind"),
    [
        ("/embed", {"inputs": []}, 400, "Empty"),
        ("/embed", {"inputs": ""}, 400, "Empty"),
        ("/embed", {"inputs": "w1", "prompt_name": "no"}, 422, "Validation"),
        ("/embed", {"inputs": "w1", "dimensions": 0}, 422, "Validation"),
        ("/embed", {}, 422, "Validation"),
        ("/embed_all", {"inputs": []}, 400, "Empty"),
        ("/predict", {"inputs": []}, 400, "Empty"),
        ("/predict", {"inputs": [["a", "b", "c"]]}, 422, "Validation"),
        ("/predict", {"inputs": [[]]}, 422, "Validation"),
        ("/similarity", {"inputs": {"source_sentence": "a", "sentences": []}}, 422, "Validation"),
        ("/tokenize", {"inputs": []}, 400, "Empty"),
        ("/decode", {"ids": [10**9]}, 422, "Validation"),
        ("/decode", {"ids": [-1]}, 422, "Validation"),
        ("/embed", {"inputs": ["w1"] * 2_049}, 422, "Validation"),
    ],
)
def test_errors_are_flat_and_have_a_type(client: Client, path: str, body: Any, status: int, kind: str) -> None:
    got = client.post(path, body)
    assert (got.status, got.body["error_type"]) == (status, kind)
    assert got.body.keys() == {"error", "error_type"}


def test_tokenising_takes_a_place_in_the_queue_too(serve_models: Serve) -> None:
    client = serve_models("vectors", queue_tokens=100)
    assert client.post("/tokenize", {"inputs": "w1 " * 100}).status == 200
    got = client.post("/tokenize", {"inputs": "w1 " * 2_000})
    assert (got.status, got.body["error_type"]) == (422, "Validation")
    assert client.post("/decode", {"ids": [5] * 2_000}).status == 422
    assert client.application.service is not None
    assert all(lane.scheduler.waiting == 0 for lane in client.application.service.lanes)
