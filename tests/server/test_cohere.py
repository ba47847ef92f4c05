"""Cohere's embeddings, version 1 and 2."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest

import bertkit
from tests.server.conftest import Client

LONG = " ".join(["w1"] * 60)


def test_version_2_gives_vectors_by_kind(client: Client, models: Mapping[str, bertkit.Model]) -> None:
    texts = ["w1 w2", "w3"]
    asked = {"model": "vectors", "texts": texts, "input_type": "search_document", "truncate": "END"}
    got = client.post("/v2/embed", {**asked, "embedding_types": ["float", "int8", "ubinary", "base64"]})
    expected = models["vectors"].encode(texts)
    np.testing.assert_allclose(got.body["embeddings"]["float"], expected, atol=1e-6)
    decoded = np.frombuffer(base64.b64decode(got.body["embeddings"]["base64"][0]), "<f4")
    np.testing.assert_allclose(decoded, expected[0], atol=1e-6)
    assert got.body["embeddings"]["ubinary"][0] == np.packbits(expected[0] > 0).tolist()
    assert got.body["texts"] == texts
    assert got.body["meta"]["billed_units"] == {"input_tokens": 7}
    got = client.post("/v2/embed", {"texts": texts, "output_dimension": 4})
    assert np.shape(got.body["embeddings"]["float"]) == (2, 4)


def test_version_2_takes_inputs_of_parts(client: Client) -> None:
    given = [{"content": [{"type": "text", "text": "w1"}]}]
    got = client.post("/v2/embed", {"inputs": given})
    assert got.body["embeddings"]["float"] == client.post("/v2/embed", {"texts": ["w1"]}).body["embeddings"]["float"]


def test_version_1_gives_a_list_unless_kinds_are_named(client: Client) -> None:
    floats = client.post("/v1/embed", {"texts": ["w1"]}).body
    assert floats["response_type"] == "embeddings_floats"
    named = client.post("/v1/embed", {"texts": ["w1"], "embedding_types": ["float"]}).body
    assert named["embeddings"]["float"] == floats["embeddings"]


def test_a_text_too_long_loses_the_end_that_is_named(client: Client) -> None:
    got = client.post("/v2/embed", {"texts": [LONG]})
    assert got.body["meta"]["truncated"] is True
    end, start = (
        client.post("/v2/embed", {"texts": [f"w2 {LONG}"], "truncate": side}).body["embeddings"]
        for side in ("END", "START")
    )
    assert end != start == got.body["embeddings"]
    assert client.post("/v2/embed", {"texts": [LONG], "truncate": "NONE"}).status == 400


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"texts": []},
        {"texts": ["w1"], "images": ["data:…"]},
        {"inputs": [{"content": []}]},
        {"inputs": [{"content": [{"type": "image_url"}]}]},
        {"inputs": [{"content": "w1"}]},
        {"inputs": [{}]},
        {"texts": ["w1"], "embedding_types": ["int4"]},
    ],
)
def test_errors_have_a_message(client: Client, body: Any) -> None:
    got = client.post("/v2/embed", body)
    assert got.status == 400
    assert got.body.keys() == {"message"}
