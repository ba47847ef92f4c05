from __future__ import annotations

from typing import Any

from bertkit.retrieval.answering import READ, SearchResult, answered, question_rows, ranked, ranking_row
from bertkit.retrieval.searching import Hit
from bertkit.retrieval.traced import LineStarts

SOURCE = "Rain falls.\nBabbage designed it."
HITS = [
    Hit(0.9, "a.txt", LineStarts(SOURCE).traced("Rain falls.", 0), "Weather", None, None, {}),
    Hit(0.8, "a.txt", LineStarts(SOURCE).traced("Babbage designed it.", 12), "", None, None, {}),
]


def record(answer: str, score: float, none: float, start: int = 0) -> dict[str, Any]:
    one = {"answer": answer, "score": score, "start": start, "end": start + len(answer)}
    return {"answers": [one], "no_answer_score": none}


def test_rows_are_what_models_read() -> None:
    documents = ["Weather: Rain falls.", "Babbage designed it."]
    assert ranking_row("who?", HITS) == {"query": "who?", "documents": documents}
    assert question_rows("who?", HITS) == [{"question": "who?", "context": hit.text.text} for hit in HITS]
    assert len(question_rows("who?", HITS * 9)) == READ


def test_a_rerankers_scores_are_the_hits() -> None:
    found = ranked(HITS, {"ranking": [{"index": 1, "score": 0.7}, {"index": 0, "score": 0.2}]}, 1)
    assert [(hit.text.text, hit.score) for hit in found] == [("Babbage designed it.", 0.7)]


def test_the_likeliest_answer_is_given_where_it_stands() -> None:
    found = answered("who?", HITS, [record("Rain", 0.4, 0.3), record("Babbage", 0.6, 0.1)])
    told: Any = found.record()
    assert told["answer"] == {
        "answer": "Babbage",
        "score": 0.6,
        "file": "a.txt",
        "line": 2,
        "page": None,
        "start": 12,
        "end": 19,
        "hit": 1,
    }
    assert (len(found), found[1], list(found)) == (2, HITS[1], HITS)


def test_no_answer_is_none_and_none_was_asked_for_is_nothing() -> None:
    assert answered("who?", HITS, [record("Rain", 0.4, 0.5)]).record()["answer"] is None
    assert answered("who?", [], []).record() == {"query": "who?", "hits": [], "answer": None}
    assert "answer" not in SearchResult("who?", HITS).record()
