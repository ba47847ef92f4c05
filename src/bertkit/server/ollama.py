"""Ollama's embeddings. A text that is too long is cut, unless `truncate` is false."""

from __future__ import annotations

from collections.abc import Mapping

from fastapi import Request, Response
from pydantic import ConfigDict

from bertkit.server import error_shapes
from bertkit.server.embedding import Wish, embed, lists
from bertkit.server.error_shapes import Shape
from bertkit.server.exchange import Body, new_router, reply, service_of, shown
from bertkit.tokenization.windows import LongText

router = new_router(tags=["Ollama"])
SHAPES: Mapping[str, Shape] = {"/api/": error_shapes.one_line}
TAG = ":latest"  # that its clients put behind a model's name


class OllamaEmbed(Body):
    """Texts to be embedded."""

    model_config = ConfigDict(
        extra="ignore", json_schema_extra={"examples": [{"model": "embeddings", "input": ["a text", "another"]}]}
    )
    model: str | None = None
    input: str | list[str]
    truncate: bool | None = None
    dimensions: int | None = None


@router.post(
    "/api/embed",
    summary="Vectors of texts",
    responses=shown({"model": "embeddings", "embeddings": [[0.1, 0.2]], "prompt_eval_count": 4}),
)
async def embed_texts(request: Request, body: OllamaEmbed) -> Response:
    """One vector a text, of length 1."""
    asked = None if body.truncate is None else LongText.TRUNCATE if body.truncate else LongText.ERROR
    wish = Wish(LongText.TRUNCATE, asked, normalize=True, dimensions=body.dimensions)
    embedded = await embed(request, (body.model or "").removesuffix(TAG) or None, body.input, wish)
    timing = embedded.answered.timing
    seconds = timing.tokenization_seconds + timing.queue_seconds + timing.inference_seconds
    payload = {
        "model": body.model or embedded.answered.model.name,
        "embeddings": lists(embedded.vectors_NW),
        "total_duration": int(1e9 * seconds),
        "load_duration": 0,
        "prompt_eval_count": embedded.answered.input_tokens,
    }
    return reply(request, payload, embedded.answered)


@router.get("/api/tags", summary="The models that can be asked")
async def tags(request: Request) -> Response:
    """Their names."""
    names = service_of(request).models
    return reply(request, {"models": [{"name": f"{name}{TAG}", "model": f"{name}{TAG}"} for name in names]})
