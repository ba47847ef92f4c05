"""`bertkit search` as it is typed, and what is printed; what it finds is tried in workflows/test_search.py."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bertkit.cli import search as command
from bertkit.cli.search import readable
from bertkit.retrieval.answering import HitAnswer, SearchResult
from bertkit.retrieval.searching import Hit
from bertkit.retrieval.traced import LineStarts
from bertkit.workflows.search import SearchRequest
from tests.cli.conftest import Ended

Stretch = Callable[..., Ended]
SOURCE = "first line\nBabbage designed the engine in 1837."


def hit(folder: Path, text: str = SOURCE, heading: str = "Engines") -> Hit:
    return Hit(0.7123, str(folder / "a.txt"), LineStarts(text).traced(text, 0), heading, None, None, {"year": 2021})


@pytest.fixture(autouse=True)
def _fake_model() -> None:
    """Nothing is loaded here, so nothing is put in its place."""


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[Any]:
    """What a searcher is asked, which finds one passage with an answer."""
    import bertkit.workflows.search as workflow

    seen: list[Any] = []

    class Fake:
        def __init__(self, folder: Path, device: str) -> None:
            seen.append((folder, device))

        def search(self, query: str, request: SearchRequest) -> SearchResult:
            seen.append((query, request))
            return SearchResult(query, [hit(tmp_path)], HitAnswer("1837", 0.91, 42, 46, 0), asked=bool(request.answer))

    monkeypatch.setattr(workflow, "Searcher", Fake)
    monkeypatch.chdir(tmp_path)
    return seen


def test_questions_are_answered_with_places(run: Stretch, asked: list[Any]) -> None:
    done = run("search", "n.idx", "When?", "Who?", "--answer", "-k", "3", "--hybrid", "--filter", "year>2020")
    assert (done.code, done.err) == (0, "")
    assert done.out.splitlines()[:4] == [
        "When?",
        "  1837  (0.91, a.txt:2)",
        "  0.712  a.txt:1  Engines",
        "         first line Babbage designed the engine in >>1837<<.",
    ]
    assert "\n\nWho?\n" in done.out
    request = SearchRequest(3, hybrid=True, answer=True, filter="year>2020")
    assert asked == [(Path("n.idx"), "auto"), ("When?", request), ("Who?", request)]


def test_json_is_a_record_a_question(run: Stretch, asked: list[Any]) -> None:
    done = run("search", "n.idx", "When?", "--json", "--rerank", "m", "--answer-model", "qa")
    record = json.loads(done.out)
    assert record["hits"][0]["fields"] == {"year": 2021}
    assert (record["hits"][0]["line"], record["answer"]["line"], record["answer"]["start"]) == (1, 2, 42)
    assert asked[1] == ("When?", SearchRequest(5, rerank="m", answer="qa"))


def test_a_long_passage_is_shown_by_its_answer(tmp_path: Path) -> None:
    text = "word " * 300 + "the answer " + "more " * 300
    at = text.index("the answer")
    long = hit(tmp_path, text, "")
    lines = readable(SearchResult("?", [long], HitAnswer("the answer", 0.9, at, at + 10, 0), asked=True))
    shown = " ".join(line.strip() for line in lines[3:])
    assert shown.startswith("… word")
    assert ">>the answer<<" in shown
    assert shown.endswith("more …")
    assert len(shown) < 500


def test_colours_end_with_each_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bertkit.terminal.messages.is_coloured", lambda stream: True)
    text = "before " + "answer " * 30
    lines = readable(
        SearchResult("?", [hit(tmp_path, text)], HitAnswer("answer", 0.9, 7, len(text) - 1, 0), asked=True)
    )
    marked = [line for line in lines if "\x1b[1;7m" in line]
    assert len(marked) > 1
    assert all(line.count("\x1b[1;7m") == line.count("\x1b[0m") == 1 for line in marked)


def test_nothing_found_and_no_answer_are_said(tmp_path: Path) -> None:
    assert readable(SearchResult("?", [], asked=True)) == ["?", "  no answer in these passages", "  nothing found"]
    paged = replace(hit(tmp_path), page=3)
    assert command.shown_place(paged.place).endswith("a.txt, page 3")
