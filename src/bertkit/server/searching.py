"""An index behind HTTP: passages for a query, ranked and read for an answer by models that are served beside it."""

from __future__ import annotations

from typing import Any, cast

from fastapi import Request, Response
from pydantic import ConfigDict, Field

from bertkit.errors import ModelNotFound
from bertkit.formats.row import Row
from bertkit.inference.served import Manner, ServedModel
from bertkit.retrieval.answering import RANKED, READ, SearchResult, answered, question_rows, ranked, ranking_row
from bertkit.server.exchange import Body, asker_of, new_router, reply, reply_large, service_of, shown
from bertkit.server.service import Answered, Service
from bertkit.tasks.sentence_embedding import Embedding
from bertkit.tokenization.windows import LongText
from bertkit.workflows.index_model import compared

router = new_router(tags=["search"])
MOST = 100  # passages of one answer


class SearchBody(Body):
    """What is searched for."""

    model_config = ConfigDict(
        extra="forbid",
        allow_inf_nan=False,
        json_schema_extra={
            "examples": [
                {"query": "What do we owe the printer?", "answer": True},
                {"query": "invoice 4711", "hybrid": True, "top_k": 10, "filter": "year>2020"},
            ]
        },
    )
    query: str = Field(description="A question, or words to look for.")
    top_k: int = Field(5, ge=1, le=MOST, description="How many passages.")
    hybrid: bool = Field(False, description="Words count too, beside meaning.")
    filter: str | None = Field(None, description="Only documents whose fields are so: year>2020 and lang=en.")
    rerank: str | None = Field(None, description="One of GET /v1/models that puts the best 50 in order.")
    answer: bool | str = Field(False, description="Read the passages for an answer; or the model that is to.")


@router.get("/v1/search", summary="What is searched", responses=shown({"index": {"name": "notes", "passages": 12_345}}))
async def about(request: Request) -> Response:
    """The index that the server has; null where it has none."""
    service = service_of(request)
    if service.settings.index is None:
        return reply(request, {"index": None})
    index = service.settings.index
    counts = await service.run(index.reader.counts)
    return reply(request, {"index": {"name": index.name, **counts, "fields": await service.run(index.reader.fields)}})


@router.post(
    "/v1/search",
    summary="Passages of the index that the server was started with, as `bertkit search --json` gives them",
    responses=shown({"query": "Who designed it?", "hits": [{"score": 0.71, "file": "notes/a.md", "line": 12}]}),
)
async def search(request: Request, body: SearchBody) -> Response:
    """By meaning; with `hybrid` by words too, with `rerank` put in order again, with `answer` read for an answer."""
    service = service_of(request)
    if service.settings.index is None:
        raise ModelNotFound("no index is served here", "Start the server with one: bertkit serve --index INDEX.")
    index = service.settings.index
    await service.run(lambda: index.reader.check(body.query, body.filter))
    asked = _Asked(service, request)
    got = await asked(service.find(index.name), [{"text": body.query}], index.manner)
    vector_W = compared(cast(Embedding, got.answers[0]).vector[None], index.reader.settings.model.similarity)[0]
    count = body.top_k if body.rerank is None else max(body.top_k, RANKED)
    hits = await service.run(
        lambda: index.reader.search(body.query, vector_W, count, hybrid=body.hybrid, filter=body.filter)
    )
    if body.rerank is not None and hits:
        again = await asked(service.find(body.rerank, "text-ranking"), [ranking_row(body.query, hits)])
        hits = ranked(hits, again.answers[0].record(), body.top_k)
    found = SearchResult(body.query, hits)
    if body.answer is not False:
        answerer = service.find(body.answer if isinstance(body.answer, str) else None, "question-answering")
        rows = question_rows(body.query, hits[:READ])
        records = [one.record() for one in (await asked(answerer, rows)).answers] if rows else []
        found = answered(body.query, hits, records)

    def payload() -> object:
        record: dict[str, Any] = {**found.record(), "hits": [index.record(hit) for hit in found.hits]}
        if record.get("answer") is not None:
            record["answer"]["file"] = index.reader.public_name(record["answer"]["file"])
            best = found.answer
            assert best is not None
            record["answer"]["span"] = [best.start, best.end]
        return record

    return await reply_large(request, payload, got)


class _Asked:
    """Asks models of the server in one client's name."""

    def __init__(self, service: Service, request: Request) -> None:
        self._service = service
        self._asker = asker_of(request)

    async def __call__(
        self, model: ServedModel, rows: list[dict[str, object]], manner: Manner | None = None
    ) -> Answered:
        """All rows answered; long texts are read in windows."""
        named = [Row(row, f"row {number}") for number, row in enumerate(rows, 1)]
        return await self._service.answer(model, named, manner or Manner.of(LongText.WINDOW), self._asker)
