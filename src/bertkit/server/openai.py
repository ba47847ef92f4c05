"""OpenAI's embeddings and list of models, with what NVIDIA, Voyage and Jina add to them.

Its client asks for base64 unless it is told otherwise. A text that is too long is refused.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from fastapi import Request, Response
from pydantic import ConfigDict, Field

from bertkit.server import error_shapes
from bertkit.server.embedding import CUTS, NumberKind, Texts, Wish, as_base64, embed, lists, numbers
from bertkit.server.error_shapes import Shape
from bertkit.server.exchange import Body, new_router, reply, service_of, shown
from bertkit.server.late_chunking import embed_late
from bertkit.server.service import Service
from bertkit.tokenization.windows import LongText

router = new_router(tags=["OpenAI"])
SHAPES: Mapping[str, Shape] = {
    "/v1/embeddings": error_shapes.openai,
    "/embeddings": error_shapes.openai,
    "/v1/models": error_shapes.openai,
    "/v1/models/": error_shapes.openai,
    "/models": error_shapes.openai,
}
SUFFIXES = {"-query": "query", "-passage": "passage"}  # of a model's name, as NVIDIA's clients say what texts are for


class EmbeddingsBody(Body):
    """Texts to be embedded."""

    model_config = ConfigDict(
        extra="ignore",
        json_schema_extra={"examples": [{"model": "embeddings", "input": ["a text", "another"], "dimensions": 128}]},
    )
    input: Texts = Field(description="A text, texts, or token ids of this model's own tokenizer.")
    model: str | None = None
    encoding_format: Literal["float", "base64"] = "float"
    dimensions: int | None = Field(None, description="The first numbers of each vector, scaled again.")
    output_dimension: int | None = None
    input_type: str | None = Field(None, description="query or passage, where the model has prompts for them.")
    task: str | None = None
    truncate: Literal["NONE", "START", "END"] | bool | None = None
    truncation: bool | None = None
    output_dtype: NumberKind | None = None
    embedding_type: NumberKind | Literal["base64"] | list[NumberKind | Literal["base64"]] | None = None
    normalized: bool | None = None
    late_chunking: bool = Field(False, description="Texts are parts of one, read together and pooled apart.")


@router.post(
    "/v1/embeddings",
    summary="Vectors of texts",
    responses=shown(
        {
            "object": "list",
            "model": "embeddings",
            "data": [{"object": "embedding", "index": 0, "embedding": [0.1, 0.2]}],
            "usage": {"prompt_tokens": 4, "total_tokens": 4},
        }
    ),
)
@router.post("/embeddings", summary="The same", include_in_schema=False)
async def embeddings(request: Request, body: EmbeddingsBody) -> Response:
    """One vector a text."""
    service = service_of(request)
    name, purpose = _model(service, body.model)
    asked, side = _cut(body)
    dimensions = body.output_dimension if body.dimensions is None else body.dimensions
    purpose = body.input_type or body.task or purpose
    wish = Wish(LongText.ERROR, asked, side, purpose=purpose, normalize=body.normalized, dimensions=dimensions)
    way = embed_late if body.late_chunking else embed
    embedded = await way(request, name, body.input, wish)
    kinds = body.embedding_type if isinstance(body.embedding_type, list) else [body.embedding_type or "float"]
    named: list[NumberKind] = [one for one in (body.output_dtype, *kinds) if one is not None and one != "base64"]
    kind: NumberKind = named[0] if named else "float"
    encoded: list[Any] = lists(numbers(embedded.vectors_NW, kind))
    if body.encoding_format == "base64" or "base64" in kinds:
        encoded = [as_base64(one) for one in encoded]
    tokens = embedded.answered.input_tokens
    data = [{"object": "embedding", "index": index, "embedding": one} for index, one in enumerate(encoded)]
    usage = {"prompt_tokens": tokens, "total_tokens": tokens}
    payload = {"object": "list", "model": embedded.answered.model.name, "data": data, "usage": usage}
    return reply(request, payload, embedded.answered)


@router.get("/v1/models", summary="The models that can be asked")
@router.get("/models", summary="The same", include_in_schema=False)
async def models(request: Request) -> Response:
    """What `model` in a request may say."""
    service = service_of(request)
    return reply(request, {"object": "list", "data": [_described(service, name) for name in service.models]})


@router.get("/v1/models/{name}", summary="One of them")
async def model(request: Request, name: str) -> Response:
    """What there is to know of it."""
    service = service_of(request)
    return reply(request, _described(service, service.find(name).name))


def _described(service: Service, name: str) -> dict[str, object]:
    task = service.models[name].task.name
    return {"id": name, "object": "model", "created": 0, "owned_by": "bertkit", "task": task}


def _model(service: Service, name: str | None) -> tuple[str | None, str | None]:
    """The model that is meant, and what its name says that the texts are for."""
    for suffix, purpose in SUFFIXES.items():
        if name and name not in service.models and name.endswith(suffix):
            return name.removesuffix(suffix), purpose
    return name or None, None


def _cut(body: EmbeddingsBody) -> Any:
    if isinstance(body.truncate, str):
        return CUTS[body.truncate]
    said = body.truncation if body.truncate is None else body.truncate
    return None if said is None else LongText.TRUNCATE if said else LongText.ERROR, None
