"""POST /v1/search gives what `bertkit search --json` gives."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

import bertkit
from bertkit.config.indexing import IndexConfig
from bertkit.inference.serving import served
from bertkit.server.app import Application
from bertkit.server.loading import load_models
from bertkit.server.served_index import ServedIndex
from bertkit.server.service import Service
from bertkit.server.settings import ServeSettings
from bertkit.workflows.index import index
from tests.retrieval.made_index import write_files
from tests.server.conftest import Client, Serve
from tests.server.test_native import same

FILES = {"a.md": "# W1\n\nw2 w3 w4\n", "b.txt": "w5 w6", "rows.jsonl": '{"text": "w7 w8", "year": 2021}\n'}


@pytest.fixture(scope="module")
def place(folders: Mapping[str, Path | None], tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("searched")
    write_files(folder / "docs", FILES)
    given: Any = {"model": str(folders["vectors"]), "device": "cpu", "dtype": "float32", "query_prompt": "w9 "}
    index(IndexConfig(index=str(folder / "notes.idx"), sources=[str(folder / "docs")], **given))
    return folder


@pytest.fixture(scope="module")
def searched(place: Path, models: Mapping[str, bertkit.Model]) -> Iterator[Client]:
    opened = ServedIndex.open(place / "notes.idx")
    application = Application(ServeSettings(index=opened))
    own = load_models([opened.spec], {"device": "cpu"})
    others = [served(name, models[name]) for name in ("answers", "ranks")]
    service = Service([*own, *others], application.settings, watch=application.metrics.batch)
    service.start()
    application.serve(service)
    yield Client(application)
    service.close()


@pytest.mark.parametrize(
    "how",
    [{}, {"hybrid": True, "top_k": 2}, {"filter": "year>2020"}, {"answer": True}, {"rerank": "ranks", "top_k": 1}],
)
def test_it_finds_what_the_index_finds(
    searched: Client, place: Path, folders: Mapping[str, Path | None], how: dict[str, Any]
) -> None:
    got = searched.post("/v1/search", {"query": "w5 w6", **how})
    assert got.status == 200, got.body
    told = {name: folders[value] if name == "rerank" else value for name, value in how.items()}
    if "answer" in told:
        told["answer"] = folders["answers"]
    expected: Any = bertkit.Index(place / "notes.idx", device="cpu").search("w5 w6", **told).record()
    for one in [*expected["hits"], *([expected["answer"]] if expected.get("answer") else [])]:
        one["file"] = f"docs/{Path(one['file']).name}"
    if got.body.get("answer"):
        start, end = got.body["answer"].pop("span")
        assert got.body["hits"][got.body["answer"]["hit"]]["text"][start:end] == got.body["answer"]["answer"]
    assert same(got.body, expected)


def test_it_says_what_is_searched_and_sees_what_is_added(searched: Client, place: Path) -> None:
    about = searched.get("/v1/search").body["index"]
    assert (about["name"], about["passages"], about["fields"]) == ("notes", 3, ["file", "format", "year"])
    write_files(place / "docs", {"more/c.txt": "w30 w31"})
    index(IndexConfig(index=str(place / "notes.idx")))
    hit = searched.post("/v1/search", {"query": "w30 w31", "hybrid": True, "top_k": 1}).body["hits"][0]
    assert hit["file"] == "docs/more/c.txt"


@pytest.mark.parametrize(
    ("body", "status", "words"),
    [
        ({"query": "w1", "filter": "yaer>1"}, 400, "no document has the field 'yaer'"),
        ({"query": "w1", "top_k": 0}, 400, "top_k"),
        ({"query": " "}, 400, "a query without text"),
        ({"query": "w1", "rerank": "answers"}, 400, "does question-answering"),
        ({"query": "w1", "answer": "nobody"}, 404, "no model 'nobody' here"),
        ({"question": "w1"}, 400, "query"),
    ],
)
def test_what_cannot_be_asked_is_refused(searched: Client, body: dict[str, Any], status: int, words: str) -> None:
    got = searched.post("/v1/search", body)
    assert got.status == status
    assert words in str(got.body["error"])


def test_a_server_without_an_index_says_so(serve_models: Serve) -> None:
    client = serve_models("vectors")
    assert client.get("/v1/search").body == {"index": None}
    got = client.post("/v1/search", {"query": "w1"})
    assert (got.status, got.body["error"]["message"]) == (404, "no index is served here")
    assert "serve --index" in got.body["error"]["remedy"]
