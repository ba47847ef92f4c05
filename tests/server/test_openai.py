"""OpenAI's embeddings, as its client asks for them, and what others add."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest

import bertkit
from tests.server.conftest import Client

LONG = " ".join(["w1"] * 60)


def test_what_the_client_sends_by_default(client: Client, models: Mapping[str, bertkit.Model]) -> None:
    """As recorded: one string, base64."""
    got = client.post("/v1/embeddings", {"model": "vectors", "input": "w1 w2", "encoding_format": "base64"})
    assert got.status == 200
    (item,) = got.body["data"]
    vector = np.frombuffer(base64.b64decode(item.pop("embedding")), "<f4")
    np.testing.assert_allclose(vector, models["vectors"].encode("w1 w2"), atol=1e-6)
    assert item == {"object": "embedding", "index": 0}
    assert got.body["usage"] == {"prompt_tokens": 4, "total_tokens": 4}
    assert (got.body["object"], got.body["model"]) == ("list", "vectors")


def test_floats_of_several_texts_and_of_token_ids(client: Client, models: Mapping[str, bertkit.Model]) -> None:
    texts = ["w1 w2", "w3", "w1 w2"]
    expected = models["vectors"].encode(texts)
    ids = [one.ids for one in models["vectors"].tokenizer.tokenize(texts)]
    for given in (texts, ids):
        got = client.post("/v1/embeddings", {"input": given})
        assert [one["index"] for one in got.body["data"]] == [0, 1, 2]
        np.testing.assert_allclose([one["embedding"] for one in got.body["data"]], expected, atol=1e-6)
    got = client.post("/v1/embeddings", {"input": ids[1]})
    np.testing.assert_allclose(got.body["data"][0]["embedding"], expected[1], atol=1e-6)


def test_fewer_dimensions_are_scaled_again(client: Client, models: Mapping[str, bertkit.Model]) -> None:
    vector = models["vectors"].encode("w1")
    got = client.post("/v1/embeddings", {"input": "w1", "dimensions": 5})
    np.testing.assert_allclose(got.body["data"][0]["embedding"], vector[:5] / np.linalg.norm(vector[:5]), atol=1e-6)
    got = client.post("/v1/embeddings", {"input": "w1", "dimensions": 5_000})
    assert got.status == 400


def test_other_kinds_of_numbers(client: Client, models: Mapping[str, bertkit.Model]) -> None:
    vector = models["vectors"].encode("w1")
    kinds = {
        "int8": np.clip(np.round(vector * 127), -127, 127),
        "uint8": np.clip(np.round(vector * 127), -127, 127) + 128,
        "ubinary": np.packbits(vector > 0),
        "binary": np.packbits(vector > 0).astype(int) - 128,
    }
    for kind, expected in kinds.items():
        for field in ("output_dtype", "embedding_type"):
            got = client.post("/v1/embeddings", {"input": "w1", field: kind})
            assert got.body["data"][0]["embedding"] == expected.astype(int).tolist()


@pytest.mark.parametrize(
    ("body", "status", "code", "param"),
    [
        ({"input": LONG}, 400, "context_length_exceeded", "input"),
        ({"input": "w1", "model": "no"}, 404, None, "model"),
        ({"input": []}, 400, None, "input"),
        ({"input": ""}, 400, None, "input"),
        ({"input": [[]]}, 400, None, "input"),
        ({"input": [10**9]}, 400, None, "input"),
        ({"input": 5}, 400, None, "input"),
        ({"input": "w1", "encoding_format": "hex"}, 400, None, "input"),
        ({"input": ["w1"] * 2_049}, 413, "request_too_large", None),
        ({"input": "w1", "model": "classes"}, 400, None, None),
    ],
)
def test_errors_are_nested(client: Client, body: Any, status: int, code: str | None, param: str | None) -> None:
    got = client.post("/v1/embeddings", body)
    assert got.status == status
    error = got.body["error"]
    assert (error["type"], error["code"], error["param"]) == ("invalid_request_error", code, param)
    assert error["message"]


def test_a_text_too_long_is_cut_where_that_is_asked_for(client: Client) -> None:
    for asked in ({"truncate": "END"}, {"truncation": True}, {"truncate": True}):
        got = client.post("/v1/embeddings", {"input": LONG, **asked})
        assert (got.status, got.headers["x-bertkit-truncated"]) == (200, "true")
    assert client.post("/v1/embeddings", {"input": LONG, "truncate": "NONE"}).status == 400


def test_a_name_may_say_what_texts_are_for(client: Client) -> None:
    for name in ("vectors-query", "vectors-passage"):
        assert client.post("/v1/embeddings", {"input": "w1", "model": name}).body["model"] == "vectors"


def test_models_are_listed(client: Client) -> None:
    got = client.get("/v1/models")
    assert got.body["object"] == "list"
    expected = {"id": "vectors", "object": "model", "created": 0, "owned_by": "bertkit", "task": "sentence-embedding"}
    assert got.body["data"][0] == expected
    assert client.get("/v1/models/vectors").body == expected
    assert client.get("/v1/models/no").body["error"]["param"] == "model"
