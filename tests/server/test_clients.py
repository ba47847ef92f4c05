"""Real clients, as they are, against a real server. They live in an environment of their own.

python -m venv clients && clients/bin/pip install openai cohere "tritonclient[http]" huggingface_hub voyageai litellm
BERTKIT_CLIENTS_PYTHON=$PWD/clients/bin/python python -m pytest -m clients
"""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import bertkit
from bertkit.inference.serving import served
from bertkit.server.settings import ServeSettings
from tests.server.ask_as_clients import CLIENTS, DOCUMENTS, QUESTION, TEXTS
from tests.server.test_run import Live

pytestmark = pytest.mark.clients
SCRIPT = Path(__file__).with_name("ask_as_clients.py")


@pytest.fixture(scope="module")
def url(models: Mapping[str, bertkit.Model]) -> Iterator[str]:
    live = Live(lambda: [served(name, model) for name, model in models.items()], ServeSettings(port=0))
    yield f"http://127.0.0.1:{live.address[1]}"
    live.end()


@pytest.fixture(scope="module")
def got(url: str, request: pytest.FixtureRequest) -> dict[str, Any]:
    """What the client of the test's name had back."""
    python = os.environ.get("BERTKIT_CLIENTS_PYTHON")
    if not python:
        pytest.skip("BERTKIT_CLIENTS_PYTHON is not set: it names the Python that the clients are installed for")
    client = request.param
    if subprocess.run([python, "-c", f"import {client}"], capture_output=True).returncode:
        pytest.skip(f"{client} is not installed for {python}")
    done = subprocess.run([python, str(SCRIPT), client, url], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])  # type: ignore[no-any-return]


def of(client: str) -> Any:
    return pytest.mark.parametrize("got", [client], indirect=True)


@pytest.fixture(scope="module")
def vectors(models: Mapping[str, bertkit.Model]) -> Any:
    return models["vectors"].encode(TEXTS)


@pytest.fixture(scope="module")
def ranking(models: Mapping[str, bertkit.Model]) -> list[list[float]]:
    answer = models["ranks"].predict({"query": "w1", "documents": DOCUMENTS})
    return [[one.index, one.score] for one in answer.ranking]  # type: ignore[attr-defined]


def test_every_client_is_here() -> None:
    tested = {word.removeprefix("test_") for word in globals() if word.startswith("test_")}
    assert set(CLIENTS) <= tested


@of("openai")
def test_openai(got: dict[str, Any], vectors: Any, models: Mapping[str, bertkit.Model]) -> None:
    np.testing.assert_allclose(got["vectors"], vectors, atol=1e-5)
    assert (got["fewer"], got["models"]) == (5, list(models))
    assert got["error"] == {"code": "context_length_exceeded", "type": "invalid_request_error", "param": "input"}
    assert got["missing"] == "model"


@of("huggingface_hub")
def test_huggingface_hub(got: dict[str, Any], vectors: Any, models: Mapping[str, bertkit.Model]) -> None:
    np.testing.assert_allclose(got["vectors"], vectors, atol=1e-5)
    assert got["similarity"][0] == pytest.approx(1)
    assert got["classes"] == [one.label for one in models["classes"].predict("w1").labels[:2]]  # type: ignore[attr-defined]
    expected: Any = models["entailment"].predict({"text": "w1", "candidate_labels": ["w2", "w3"]})
    assert got["zero_shot"] == [one.label for one in expected.labels]
    expected = models["names"].predict("w1 w2 w3")
    assert got["entities"] == [one.text for one in expected.entities]
    expected = models["answers"].predict(QUESTION)
    assert got["answer"] == expected.answers[0].answer
    expected = models["masks"].predict("she was born in [MASK].")
    assert got["fills"] == [one.token for one in expected.fills[0][:3]]


@of("cohere")
def test_cohere(got: dict[str, Any], vectors: Any, ranking: list[list[float]]) -> None:
    np.testing.assert_allclose(got["vectors"], vectors, atol=1e-5)
    assert got["int8"] == np.clip(np.round(vectors * 127), -127, 127).astype(int).tolist()
    np.testing.assert_allclose(got["ranking"], ranking[:2], atol=1e-5)
    assert got["cut"] == 1


@of("tritonclient")
def test_tritonclient(got: dict[str, Any], vectors: Any) -> None:
    for kind in ("binary", "json"):
        np.testing.assert_allclose(got[kind], vectors, atol=1e-5)
    assert (got["ready"], got["inputs"]) == (True, ["query", "documents"])


@of("voyageai")
def test_voyageai(got: dict[str, Any], vectors: Any) -> None:
    np.testing.assert_allclose(got["vectors"], vectors, atol=1e-5)
    assert got["tokens"] == 9


@of("litellm")
def test_litellm(got: dict[str, Any], vectors: Any, ranking: list[list[float]]) -> None:
    np.testing.assert_allclose(got["vectors"], vectors, atol=1e-5)
    np.testing.assert_allclose(got["ranking"], ranking[:2], atol=1e-5)
