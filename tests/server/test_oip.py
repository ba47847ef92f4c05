"""Requests as tritonclient sends them."""

from __future__ import annotations

import json
import struct
from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest

import bertkit
from tests.server.conftest import Client

LONG = " ".join(["w1"] * 60)


def text(*texts: str, name: str = "text", shape: list[int] | None = None) -> dict[str, Any]:
    return {"name": name, "shape": shape or [len(texts)], "datatype": "BYTES", "data": list(texts)}


def test_json_as_recorded(client: Client, models: Mapping[str, bertkit.Model]) -> None:
    outputs = [{"name": "embeddings", "parameters": {"binary_data": False}}]
    got = client.post("/v2/models/vectors/infer", {"id": "42", "inputs": [text("w1 w2")], "outputs": outputs})
    (output,) = got.body.pop("outputs")
    np.testing.assert_allclose([output.pop("data")], models["vectors"].encode(["w1 w2"]), atol=1e-6)
    assert output == {"name": "embeddings", "shape": [1, 33], "datatype": "FP32"}
    assert got.body == {"model_name": "vectors", "model_version": "1", "id": "42"}


def test_bytes_as_the_client_sends_them_by_default(client: Client, models: Mapping[str, bertkit.Model]) -> None:
    """No Content-Type; the length of the JSON in a header; bytes behind."""
    data = b"".join(struct.pack("<I", len(one)) + one for one in (b"w1 w2", b"w3"))
    head = json.dumps(
        {
            "inputs": [
                {"name": "text", "shape": [2], "datatype": "BYTES", "parameters": {"binary_data_size": len(data)}}
            ],
            "outputs": [{"name": "embeddings", "parameters": {"binary_data": True}}],
        }
    ).encode()
    headers = {"Inference_Header_Content_Length": str(len(head))}
    got = client.post("/v2/models/vectors/infer", content=head + data, **headers)
    length = int(got.headers["inference-header-content-length"])
    described = json.loads(got.content[:length])["outputs"][0]
    vectors = np.frombuffer(got.content[length:], "<f4").reshape(described["shape"])
    np.testing.assert_allclose(vectors, models["vectors"].encode(["w1 w2", "w3"]), atol=1e-6)


def test_classes_and_records(client: Client, models: Mapping[str, bertkit.Model]) -> None:
    got = client.post("/v2/models/classes/versions/1/infer", {"inputs": [text("w1", "w2")]})
    outputs = {one["name"]: one for one in got.body["outputs"]}
    answers = models["classes"].predict(["w1", "w2"])
    assert outputs["labels"]["data"] == [one.label for it in answers for one in it.labels]  # type: ignore[attr-defined]
    assert outputs["scores"]["shape"] == [2, 3]
    assert json.loads(outputs["record"]["data"][0]).keys() == answers[0].record().keys()


@pytest.mark.parametrize(
    ("name", "inputs", "row"),
    [
        (
            "answers",
            [text("w1", name="question"), text("w2 w3", name="context")],
            {"question": "w1", "context": "w2 w3"},
        ),
        (
            "ranks",
            [text("w1", name="query"), text("w2", "w3", name="documents", shape=[1, 2])],
            {"query": "w1", "documents": ["w2", "w3"]},
        ),
        ("classes", [text("w1"), text("w2", name="text_pair")], {"text": "w1", "text_pair": "w2"}),
    ],
)
def test_an_input_a_field(
    client: Client, models: Mapping[str, bertkit.Model], name: str, inputs: list[Any], row: dict[str, Any]
) -> None:
    got = client.post(f"/v2/models/{name}/infer", {"inputs": inputs, "outputs": [{"name": "record"}]})
    assert got.status == 200, got.body
    record = json.loads(got.body["outputs"][0]["data"][0])
    assert record["input_tokens"] == models[name].predict(row).record()["input_tokens"]


def test_what_there_is(client: Client) -> None:
    assert client.get("/v2").body["extensions"] == ["binary_tensor_data"]
    assert client.get("/v2/health/live").status == client.get("/v2/health/ready").status == 200
    assert client.get("/v2/models/ranks/ready").status == client.get("/v2/models/ranks/versions/1/ready").status == 200
    got = client.get("/v2/models/ranks").body
    assert [one["name"] for one in got["inputs"]] == ["query", "documents"]
    assert [one["name"] for one in client.get("/v2/models/classes").body["outputs"]] == ["labels", "scores", "record"]
    assert client.get("/v2/models/no").status == client.get("/v2/models/ranks/versions/2").status == 404


@pytest.mark.parametrize(
    ("model", "body", "status"),
    [
        ("no", {"inputs": [text("w1")]}, 404),
        ("vectors", {"inputs": []}, 400),
        ("vectors", {"inputs": [text("w1", name="txt")]}, 400),
        ("vectors", {"inputs": [text("w1")], "outputs": [{"name": "logits"}]}, 400),
        ("vectors", {"inputs": [text(LONG)]}, 413),
        ("vectors", {"inputs": [text(shape=[0])]}, 400),
        ("classes", {"inputs": [text("w1", "w2"), text("w1", name="text_pair")]}, 400),
        ("answers", {"inputs": [text("w1", name="question")]}, 400),
    ],
)
def test_errors_are_one_line(client: Client, model: str, body: Any, status: int) -> None:
    got = client.post(f"/v2/models/{model}/infer", body)
    assert (got.status, list(got.body)) == (status, ["error"])
