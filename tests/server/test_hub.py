"""`POST /` as the hub's client sends it, and the shapes that it reads."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest

import bertkit
from tests.server.conftest import Client, Serve


@pytest.fixture(scope="module")
def of(serve_models: Serve, models: Mapping[str, bertkit.Model]) -> Mapping[str, Client]:
    """A server for each model alone."""
    return {name: serve_models(name) for name in models}


def test_vectors(client: Client, of: Mapping[str, Client], models: Mapping[str, bertkit.Model]) -> None:
    recorded = {"inputs": "w1 w2", "normalize": True, "truncate": True, "prompt_name": None}
    for one in (client, of["vectors"]):
        np.testing.assert_allclose(one.post("/", recorded).body, models["vectors"].encode(["w1 w2"]), atol=1e-6)
    got = client.post("/", {"inputs": {"source_sentence": "w1", "sentences": ["w1", "w2"]}, "parameters": {}})
    assert got.body[0] == pytest.approx(1)


def test_classes_are_nested(of: Mapping[str, Client], models: Mapping[str, bertkit.Model]) -> None:
    got = of["classes"].post("/", {"inputs": "w1", "parameters": {"top_k": 2}}).body
    labels = models["classes"].predict("w1").labels  # type: ignore[attr-defined]
    assert [one["label"] for one in got[0]] == [one.label for one in labels[:2]]
    sigmoid = of["classes"].post("/", {"inputs": "w1", "parameters": {"function_to_apply": "sigmoid"}}).body[0]
    raw = of["classes"].post("/", {"inputs": "w1", "parameters": {"function_to_apply": "none"}}).body[0]
    assert [1 / (1 + np.exp(-one["score"])) for one in raw] == pytest.approx(
        [one["score"] for one in sigmoid], abs=1e-6
    )


def test_zero_shot_is_a_list_of_labels(client: Client, models: Mapping[str, bertkit.Model]) -> None:
    got = client.post(
        "/", {"inputs": "w1", "parameters": {"candidate_labels": ["w2", "w3"], "multi_label": False}}
    ).body
    expected = models["entailment"].predict({"text": "w1", "candidate_labels": ["w2", "w3"]}).labels  # type: ignore[attr-defined]
    assert [one["label"] for one in got] == [one.label for one in expected]
    many = {"candidate_labels": "w2,w3", "multi_label": True, "hypothesis_template": "w4 {}"}
    assert client.post("/", {"inputs": ["w1", "w5"], "parameters": many}).status == 200


def test_entities(of: Mapping[str, Client], models: Mapping[str, bertkit.Model]) -> None:
    for asked in ({}, {"aggregation_strategy": "simple"}, {"aggregation_strategy": "max"}):
        got = of["names"].post("/", {"inputs": "w1 w2 w3 w4", "parameters": asked})
        assert got.status == 200
    expected = models["names"].predict("w1 w2 w3 w4").entities  # type: ignore[attr-defined]
    got = of["names"].post("/", {"inputs": "w1 w2 w3 w4"}).body
    assert [(one["word"], one["entity_group"], one["start"]) for one in got] == [
        (one.text, one.label, one.start) for one in expected
    ]


def test_answers(client: Client, models: Mapping[str, bertkit.Model]) -> None:
    row = {"question": "w1", "context": "w3 w4 w5"}
    expected = models["answers"].predict(row).answers  # type: ignore[attr-defined]
    assert client.post("/", {"inputs": row}).body["answer"] == expected[0].answer
    got = client.post("/", {"inputs": row, "parameters": {"top_k": 2, "max_answer_len": 30}}).body
    assert [one["answer"] for one in got] == [one.answer for one in expected[:2]]


def test_masks(of: Mapping[str, Client], models: Mapping[str, bertkit.Model]) -> None:
    expected = models["masks"].predict("born in [MASK].").fills[0]  # type: ignore[attr-defined]
    got = of["masks"].post("/", {"inputs": "born in [MASK].", "parameters": {"top_k": 3}}).body
    assert [(one["token_str"], one["token"]) for one in got] == [(one.token, one.id) for one in expected[:3]]
    assert np.shape(of["masks"].post("/", {"inputs": "[MASK] in [MASK]."}).body) == (2, 5)


def test_ranking(of: Mapping[str, Client], client: Client) -> None:
    body = {"query": "w1", "texts": ["w2", "w3"]}
    expected = [one["index"] for one in client.post("/rerank", body).body]
    for got in (of["ranks"].post("/", body), client.post("/", {"inputs": body})):
        assert [one["index"] for one in got.body] == expected


def test_a_model_is_asked_by_its_name(client: Client) -> None:
    assert client.post("/models/classes", {"inputs": "w1"}).body[0][0].keys() == {"label", "score"}
    assert client.post("/models/no", {"inputs": "w1"}).status == 404
    assert client.post("/models/..%2Fclasses", {"inputs": "w1"}).status == 404


@pytest.mark.parametrize(
    ("model", "body"),
    [
        ("classes", {"inputs": []}),
        ("classes", {"inputs": 5}),
        ("classes", {}),
        ("classes", {"inputs": "w1", "parameters": {"top_k": 0}}),
        ("names", {"inputs": "w1", "parameters": {"aggregation_strategy": "none"}}),
        ("masks", {"inputs": "w1"}),
        ("masks", {"inputs": "[MASK]", "parameters": {"targets": ["a"]}}),
        ("masks", {"inputs": "[MASK]", "parameters": {"top_k": 1_000}}),
        ("entailment", {"inputs": "w1"}),
        ("answers", {"inputs": "w1"}),
        ("ranks", {"inputs": "w1"}),
        ("vectors", {"inputs": {"a": 1}}),
        ("vectors", {"inputs": "w1", "prompt_name": "no"}),
    ],
)
def test_what_is_no_question_is_told_so(of: Mapping[str, Client], model: str, body: Any) -> None:
    got = of[model].post("/", body)
    assert got.status in (400, 422)
    assert got.body["error_type"] in ("Validation", "Empty")
