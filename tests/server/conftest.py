"""A server of small models, one for each task, asked in this process."""

from __future__ import annotations

import asyncio
import dataclasses
import json
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import httpx2
import pytest

import bertkit
from bertkit.inference.serving import served
from bertkit.server.app import Application
from bertkit.server.service import Service
from bertkit.server.settings import ServeSettings
from tests.parity.task_peers import make_task_peer

# The tasks that every protocol is tried with, and what the model of each is called.
TASKS = {
    "vectors": "sentence-embedding",
    "classes": "text-classification",
    "entailment": "zero-shot-classification",
    "ranks": "text-ranking",
    "names": "token-classification",
    "answers": "question-answering",
    "masks": "fill-mask",
}


@pytest.fixture(scope="session")
def folders(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Path | None]:
    """Where the model of each name is; None is that of the package."""
    root = tmp_path_factory.mktemp("models")
    kinds: dict[str, tuple[str, dict[str, Any]]] = {
        "vectors": ("text-classification", {}),
        "classes": ("text-classification", {}),
        "entailment": ("text-classification", {"labels": ("contradiction", "neutral", "entailment")}),
        "ranks": ("text-classification", {"labels": ("score",)}),
        "names": ("token-classification", {"labels": ("O", "B-PER", "I-PER")}),
        "answers": ("question-answering", {}),
    }
    for name, (kind, options) in kinds.items():
        make_task_peer(kind, root / name, **options)
    return {name: root / name for name in kinds} | {"masks": None}


@pytest.fixture(scope="session")
def models(folders: Mapping[str, Path | None]) -> Mapping[str, bertkit.Model]:
    """The models as Python has them: what they say is what the server must say."""
    return {name: bertkit.load(folder, task=TASKS[name]) for name, folder in folders.items()}


@dataclasses.dataclass(frozen=True)
class Got:
    """A response."""

    status: int
    body: Any
    headers: Mapping[str, str]
    content: bytes


class Client:
    """Asks an application as a client does, without a network."""

    def __init__(self, application: Application, **headers: str) -> None:
        self.application = application
        self.headers = headers

    def post(self, path: str, body: object = None, *, content: bytes | None = None, **headers: str) -> Got:
        sent = json.dumps(body).encode() if content is None else content
        return self.send("POST", path, sent, **headers)

    def get(self, path: str, **headers: str) -> Got:
        return self.send("GET", path, b"", **headers)

    def send(self, method: str, path: str, content: bytes, **headers: str) -> Got:
        return asyncio.run(self._send(method, path, content, headers))

    async def _send(self, method: str, path: str, content: bytes, headers: Mapping[str, str]) -> Got:
        transport = httpx2.ASGITransport(app=self.application.asgi)
        named = {name.replace("_", "-"): value for name, value in {**self.headers, **headers}.items()}
        async with httpx2.AsyncClient(transport=transport, base_url="http://127.0.0.1:8000") as client:
            response = await client.request(method, path, content=content, headers=named)
        is_json = "json" in response.headers.get("content-type", "")
        body = json.loads(response.content) if is_json else response.text
        return Got(response.status_code, body, response.headers, response.content)


Serve = Callable[..., Client]


@pytest.fixture(scope="session")
def serve_models(models: Mapping[str, bertkit.Model]) -> Iterator[Serve]:
    """A function that starts a server with some settings, of all models or of those that are named."""
    started: list[Service] = []

    def serve(*names: str, **settings: Any) -> Client:
        application = Application(ServeSettings(**settings))
        all_models = [served(name, models[name]) for name in names or models]
        service = Service(all_models, application.settings, watch=application.metrics.batch)
        service.start()
        application.serve(service)
        started.append(service)
        return Client(application)

    yield serve
    for service in started:
        service.close()


@pytest.fixture(scope="session")
def client(serve_models: Serve) -> Client:
    """A server of all models, set up as it is where nobody says how."""
    return serve_models()
