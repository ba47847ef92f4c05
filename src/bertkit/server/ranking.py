"""Documents in the order in which they answer a query: one route that tells two protocols apart, and NVIDIA's.

`texts` are text-embeddings-inference's, and are answered by a bare list; `documents` are Cohere's (and Jina's,
Infinity's, vLLM's), and are answered by an object. Either way a text that is too long is cut unless asked otherwise.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, cast
from uuid import uuid4

from fastapi import Request, Response
from pydantic import ConfigDict, Field

from bertkit.errors import BertkitError, EmptyInput, InputError
from bertkit.formats.row import Row
from bertkit.inference.served import Manner, Side
from bertkit.server import error_shapes
from bertkit.server.embedding import CUTS
from bertkit.server.error_shapes import Shape
from bertkit.server.exchange import Body, asker_of, new_router, reply, service_of, shown
from bertkit.server.service import Answered
from bertkit.tasks.scoring import ScoredIndex
from bertkit.tasks.text_ranking import Ranking
from bertkit.tokenization.windows import LongText

router = new_router(tags=["ranking"])


def _tei_or_cohere(error: BertkitError) -> tuple[int, object]:
    """Clients of both protocols ask at /rerank: each finds its own key."""
    status, body = error_shapes.tei(error)
    return status, {**cast("dict[str, object]", body), "message": error_shapes.message(error)}


SHAPES: Mapping[str, Shape] = {
    "/rerank": _tei_or_cohere,
    "/v1/rerank": error_shapes.cohere,
    "/v2/rerank": error_shapes.cohere,
    "/v1/ranking": error_shapes.one_line,
}
BEST = {"index": 1, "relevance_score": 0.98}


class Rerank(Body):
    """A query, and texts or documents."""

    model_config = ConfigDict(
        extra="ignore",
        json_schema_extra={
            "examples": [
                {"query": "q", "texts": ["one", "two"]},
                {"query": "q", "documents": ["one"], "top_n": 1},
            ]
        },
    )
    query: str
    texts: list[str] | None = Field(None, description="Answered by a list.")
    documents: list[str | dict[str, Any]] | None = Field(None, description="Answered by an object.")
    model: str | None = None
    top_n: int | None = Field(None, ge=0)
    top_k: int | None = Field(None, ge=0)
    raw_scores: bool = Field(False, description="Logits instead of their sigmoids.")
    return_text: bool = False
    return_documents: bool = False
    truncate: bool | Literal["NONE", "START", "END"] | None = None
    truncation: bool | None = None
    truncation_direction: Literal["Left", "Right", "left", "right"] | None = None


@router.post("/rerank", summary="Documents by relevance", responses=shown([{"index": 1, "score": 0.98}]))
async def rerank(request: Request, body: Rerank) -> Response:
    """A list for `texts`, an object for `documents`."""
    if body.texts is not None:
        return await rank_texts(request, body, None)
    return await rerank_documents(request, body)


@router.post("/v1/rerank", summary="Documents by relevance", responses=shown({"id": "…", "results": [BEST]}))
@router.post("/v2/rerank", summary="Documents by relevance", responses=shown({"id": "…", "results": [BEST]}))
async def rerank_documents(request: Request, body: Rerank) -> Response:
    """Cohere's answer, with what Jina's, vLLM's and Infinity's have beside it."""
    given = body.documents if body.documents is not None else list(body.texts or ())
    documents = [_text(one, number) for number, one in enumerate(given, 1)]
    answered, ranking = await _rank(request, body.model, body.query, documents, body)
    results = []
    for one in _best(ranking, body.top_n if body.top_n is not None else body.top_k):
        result: dict[str, object] = {"index": one.index, "relevance_score": one.score}
        results.append(result | ({"document": {"text": documents[one.index]}} if body.return_documents else {}))
    tokens = answered.input_tokens
    payload = {
        "id": uuid4().hex,
        "object": "rerank",
        "model": answered.model.name,
        "created": 0,
        "results": results,
        "usage": {"prompt_tokens": tokens, "total_tokens": tokens},
        "meta": {
            "api_version": {"version": "2"},
            "billed_units": {"search_units": 1},
            "tokens": {"input_tokens": tokens},
            "truncated": answered.truncated,
        },
    }
    return reply(request, payload, answered)


async def rank_texts(request: Request, body: Rerank, model: str | None) -> Response:
    """text-embeddings-inference's answer, of a model by its name."""
    texts = body.texts or []
    answered, ranking = await _rank(request, model or body.model, body.query, texts, body)
    found = []
    for one in _best(ranking, body.top_n):
        result: dict[str, object] = {"index": one.index, "score": one.score}
        found.append(result | ({"text": texts[one.index]} if body.return_text else {}))
    return reply(request, found, answered)


class NvidiaText(Body):
    """A text."""

    text: str


class NvidiaRanking(Body):
    """A query, and passages."""

    model_config = ConfigDict(
        extra="ignore",
        json_schema_extra={"examples": [{"query": {"text": "q"}, "passages": [{"text": "one"}, {"text": "two"}]}]},
    )
    query: NvidiaText
    passages: list[NvidiaText]
    model: str | None = None
    truncate: Literal["NONE", "END"] | None = None


@router.post("/v1/ranking", summary="Passages by relevance", responses=shown({"rankings": [{"index": 1, "logit": 4}]}))
async def ranking(request: Request, body: NvidiaRanking) -> Response:
    """NVIDIA's: logits; a passage that is too long is refused."""
    asked = Rerank.model_validate({"query": body.query.text, "raw_scores": True, "truncate": body.truncate})
    passages = [one.text for one in body.passages]
    answered, best = await _rank(request, body.model, body.query.text, passages, asked, LongText.ERROR)
    return reply(request, {"rankings": [{"index": one.index, "logit": one.score} for one in best]}, answered)


async def _rank(
    request: Request,
    model: str | None,
    query: str,
    documents: list[str],
    body: Rerank,
    protocol: LongText = LongText.TRUNCATE,
) -> tuple[Answered, list[ScoredIndex]]:
    if not documents:
        raise EmptyInput("there are no documents", "Give at least one.")
    service = service_of(request)
    found = service.find(model or None, "text-ranking")
    asked, side = _cut(body)
    activation = "identity" if body.raw_scores else "sigmoid"
    manner = Manner.of(service.long(protocol, asked), side, activation=activation)
    row = Row({"query": query, "documents": documents}, "the request")
    answered = await service.answer(found, [row], manner, asker_of(request))
    return answered, cast("Ranking", answered.answers[0]).ranking


def _cut(body: Rerank) -> tuple[LongText | None, Side | None]:
    if isinstance(body.truncate, str):
        return CUTS[body.truncate]
    said = body.truncation if body.truncate is None else body.truncate
    asked = None if said is None else LongText.TRUNCATE if said else LongText.ERROR
    direction = body.truncation_direction
    return asked, None if direction is None else "left" if direction.lower() == "left" else "right"


def _text(document: str | dict[str, Any], number: int) -> str:
    text = document if isinstance(document, str) else document.get("text")
    if not isinstance(text, str):
        raise InputError(f"document {number} has no text", 'Give each as a string, or as {"text": …}.')
    return text


def _best(ranking: list[ScoredIndex], most: int | None) -> list[ScoredIndex]:
    return ranking if most is None else ranking[:most]
