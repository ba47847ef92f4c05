"""What a question answerer and a reranker read of passages, and what their answers say of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bertkit.retrieval.searching import Hit, reordered

READ = 5  # passages that a question answerer reads
RANKED = 50  # passages that a reranker puts in order


@dataclass(frozen=True, slots=True)
class HitAnswer:
    """The answer to a question, in one of the passages that were found.

    Attributes:
        start, end: of the passage's text.
        hit: which passage, from 0, in the order of the hits.
    """

    text: str
    score: float
    start: int
    end: int
    hit: int

    def record(self, hits: Sequence[Hit]) -> dict[str, object]:
        """As JSON values: where in the file (of a row: in its text; of a page: in the page's text) it stands."""
        hit = hits[self.hit]
        first, last = hit.text.span(self.start, self.end)
        return {
            "answer": self.text,
            "score": self.score,
            "file": hit.file,
            "line": first.line or hit.row,
            "page": hit.page,
            "start": first.offset,
            "end": last.offset,
            "hit": self.hit,
        }


@dataclass(frozen=True, slots=True)
class SearchResult(Sequence[Hit]):
    """What was found for a query: its hits, the best first.

    Attributes:
        answer: where one was asked for; None where no passage has one.
    """

    query: str
    hits: Sequence[Hit]
    answer: HitAnswer | None = None
    asked: bool = False

    def __getitem__(self, place: Any) -> Any:
        return self.hits[place]

    def __len__(self) -> int:
        return len(self.hits)

    def record(self) -> dict[str, object]:
        """As JSON values."""
        found: dict[str, object] = {"query": self.query, "hits": [hit.record() for hit in self.hits]}
        if self.asked:
            found["answer"] = None if self.answer is None else self.answer.record(self.hits)
        return found


def ranking_row(query: str, hits: Sequence[Hit]) -> dict[str, object]:
    """What a reranker reads."""
    return {"query": query, "documents": [hit.in_context for hit in hits]}


def ranked(hits: Sequence[Hit], record: Mapping[str, Any], count: int) -> list[Hit]:
    """The hits as a reranker's record has them, at most `count`."""
    scores = [0.0] * len(hits)
    for one in record["ranking"]:
        scores[one["index"]] = one["score"]
    return reordered(hits, scores, count)


def question_rows(query: str, hits: Sequence[Hit]) -> list[dict[str, object]]:
    """What a question answerer reads: the first passages."""
    return [{"question": query, "context": hit.text.text} for hit in hits[:READ]]


def answered(query: str, hits: Sequence[Hit], records: Sequence[Mapping[str, Any]]) -> SearchResult:
    """The hits with the likeliest of the answers that a question answerer's records give for the first of them.

    None is an answer that its own passage is likelier not to have.
    """
    best: HitAnswer | None = None
    for place, record in enumerate(records):
        for one in record["answers"][:1]:
            if one["score"] > max(record["no_answer_score"], 0.0 if best is None else best.score):
                best = HitAnswer(one["answer"], one["score"], one["start"], one["end"], place)
    return SearchResult(query, hits, best, asked=True)
