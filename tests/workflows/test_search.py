from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import bertkit
from bertkit.config.indexing import IndexConfig
from bertkit.errors import EmptyInput, UserError
from bertkit.workflows.index import index
from bertkit.workflows.search import Searcher, SearchRequest
from tests.parity.task_peers import make_task_peer
from tests.retrieval.made_index import write_files
from tests.workflows.small import make_model

FILES = {"a.txt": "w1 w2 w3", "b.txt": "w4 w5 w6", "rows.jsonl": '{"text": "w7 w8", "year": 2021}\n'}


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("search")
    write_files(folder / "docs", FILES)
    model = make_model(folder / "model")
    index(IndexConfig(index=str(folder / "notes.idx"), sources=(str(folder / "docs"),), model=model, device="cpu"))
    make_task_peer("text-classification", folder / "ranks", labels=("score",))
    make_task_peer("question-answering", folder / "answers")
    return folder


@pytest.fixture(scope="module")
def searcher(place: Path) -> Searcher:
    return Searcher(place / "notes.idx", "cpu")


def test_hits_are_those_of_the_models_own_vectors(place: Path, searcher: Searcher) -> None:
    model = bertkit.load(place / "model", task="sentence-embedding")
    texts = ["w1 w2 w3", "w4 w5 w6", "w7 w8"]
    scores = model.encode(texts) @ model.encode("w4 w5 w6")
    found = searcher.search("w4 w5 w6", SearchRequest(3))
    assert [hit.text.text for hit in found] == [texts[place] for place in (-scores).argsort()]
    assert [hit.score for hit in found] == pytest.approx(sorted(scores, reverse=True), abs=2e-3)
    assert found[0].text.text == "w4 w5 w6"


def test_a_reranker_puts_what_was_found_in_order(place: Path, searcher: Searcher) -> None:
    ranker = bertkit.load(place / "ranks", task="text-ranking")
    documents = ["w1 w2 w3", "w4 w5 w6", "w7 w8"]
    expected = ranker.predict({"query": "w4", "documents": documents}).record()["ranking"]
    for rerank in (place / "ranks", ranker):
        found = searcher.search("w4", SearchRequest(2, rerank=rerank))
        assert [hit.text.text for hit in found] == [documents[one["index"]] for one in expected[:2]]
        assert [hit.score for hit in found] == pytest.approx([one["score"] for one in expected[:2]], abs=1e-5)


def test_an_answer_is_a_span_of_a_passage(place: Path, searcher: Searcher) -> None:
    found = searcher.search("w4", SearchRequest(3, answer=str(place / "answers")))
    assert found.asked
    if found.answer is not None:
        assert found[found.answer.hit].text.text[found.answer.start : found.answer.end] == found.answer.text
    told: Any = found.record()
    assert "answer" in told
    assert (
        searcher.search("w4", SearchRequest(3, answer=str(place / "answers"), filter="year=1")).record()["hits"] == []
    )


def test_what_cannot_be_asked_for_is_refused(place: Path, searcher: Searcher) -> None:
    with pytest.raises(UserError, match="top_k is 0"):
        searcher.search("w4", SearchRequest(0))
    with pytest.raises(UserError, match="no document has the field"):
        searcher.search("w4", SearchRequest(filter="yaer=1"))
    with pytest.raises(UserError, match="does text-ranking, not question-answering"):
        searcher.search("w4", SearchRequest(answer=bertkit.load(place / "ranks", task="text-ranking")))
    with pytest.raises(EmptyInput):
        searcher.search("", SearchRequest())
