"""Cohere's embeddings. A text that is too long loses its end, unless `truncate` says otherwise."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal
from uuid import uuid4

from fastapi import Request, Response
from pydantic import ConfigDict, Field

from bertkit.errors import InputError, UserError
from bertkit.server import error_shapes
from bertkit.server.embedding import CUTS, Embedded, NumberKind, Wish, as_base64, embed, lists, numbers
from bertkit.server.error_shapes import Shape
from bertkit.server.exchange import Body, new_router, reply, shown
from bertkit.tokenization.windows import LongText

router = new_router(tags=["Cohere"])
SHAPES: Mapping[str, Shape] = {"/v1/embed": error_shapes.cohere, "/v2/embed": error_shapes.cohere}
Kind = NumberKind | Literal["base64"]
META = {"api_version": {"version": "2"}, "billed_units": {"input_tokens": 4}}


class CohereEmbed(Body):
    """Texts to be embedded."""

    model_config = ConfigDict(
        extra="ignore",
        json_schema_extra={
            "examples": [{"texts": ["a text"], "input_type": "search_query", "embedding_types": ["float"]}]
        },
    )
    texts: list[str] | None = None
    inputs: list[dict[str, Any]] | None = Field(None, description='[{"content": [{"type": "text", "text": …}]}]')
    images: list[str] | None = None
    model: str | None = None
    input_type: str | None = None
    embedding_types: list[Kind] | None = None
    output_dimension: int | None = None
    truncate: Literal["NONE", "START", "END"] | None = None


@router.post(
    "/v2/embed",
    summary="Vectors of texts",
    responses=shown({"id": "…", "embeddings": {"float": [[0.1, 0.2]]}, "texts": ["a text"], "meta": META}),
)
async def embed_v2(request: Request, body: CohereEmbed) -> Response:
    """Vectors by kind of number."""
    texts, embedded = await _embed(request, body)
    embeddings = _by_kind(embedded, body.embedding_types or ["float"])
    payload = _payload(texts, embedded) | {"embeddings": embeddings, "response_type": "embeddings_by_type"}
    return reply(request, payload, embedded.answered)


@router.post(
    "/v1/embed",
    summary="Vectors of texts",
    responses=shown({"id": "…", "embeddings": [[0.1, 0.2]], "texts": ["a text"], "meta": META}),
)
async def embed_v1(request: Request, body: CohereEmbed) -> Response:
    """Vectors in a list, unless kinds of numbers are named."""
    texts, embedded = await _embed(request, body)
    payload = _payload(texts, embedded)
    if body.embedding_types:
        by_kind = _by_kind(embedded, body.embedding_types)
        return reply(
            request, payload | {"embeddings": by_kind, "response_type": "embeddings_by_type"}, embedded.answered
        )
    floats = {"embeddings": lists(embedded.vectors_NW), "response_type": "embeddings_floats"}
    return reply(request, payload | floats, embedded.answered)


async def _embed(request: Request, body: CohereEmbed) -> tuple[list[str], Embedded]:
    if body.images:
        raise UserError("images are not embedded here", "Send texts.")
    texts = body.texts if body.texts is not None else [_text(one, n) for n, one in enumerate(body.inputs or [], 1)]
    asked, side = (None, None) if body.truncate is None else CUTS[body.truncate]
    wish = Wish(LongText.TRUNCATE, asked, side, purpose=body.input_type, dimensions=body.output_dimension)
    return texts, await embed(request, body.model or None, texts, wish)


def _by_kind(embedded: Embedded, kinds: list[Kind]) -> dict[str, list[Any]]:
    return {
        kind: [as_base64(one) for one in embedded.vectors_NW]
        if kind == "base64"
        else lists(numbers(embedded.vectors_NW, kind))
        for kind in kinds
    }


def _payload(texts: list[str], embedded: Embedded) -> dict[str, object]:
    answered = embedded.answered
    units = {"input_tokens": answered.input_tokens}
    meta = {"api_version": {"version": "2"}, "billed_units": units, "truncated": answered.truncated}
    return {"id": uuid4().hex, "texts": texts, "meta": meta}


def _text(given: dict[str, Any], number: int) -> str:
    content = given.get("content")
    parts = content if isinstance(content, list) else []
    texts = [part.get("text") for part in parts if isinstance(part, dict) and part.get("type") == "text"]
    if len(texts) != 1 or len(parts) != 1 or not isinstance(texts[0], str):
        raise InputError(f"input {number} is not one text", 'Give {"content": [{"type": "text", "text": …}]}.')
    return texts[0]
