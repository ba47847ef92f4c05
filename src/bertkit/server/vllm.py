"""vLLM's routes for encoders: scores of pairs, classes, whatever a model pools. A text that is too long is refused."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal
from uuid import uuid4

import numpy as np
from fastapi import Request, Response
from pydantic import ConfigDict, Field

from bertkit.errors import EmptyInput, InputError
from bertkit.formats.row import Row
from bertkit.inference.served import TOKEN_VECTORS, Manner
from bertkit.server import error_shapes
from bertkit.server.embedding import EMBEDDING, Wish, as_base64, embed, lists, units
from bertkit.server.error_shapes import Shape
from bertkit.server.exchange import Body, asker_of, new_router, reply, reply_large, rows_of, service_of, shown
from bertkit.server.service import Answered
from bertkit.server.tei import labels_of
from bertkit.tasks.feature_extraction import TokenVectors
from bertkit.tasks.text_ranking import Ranking
from bertkit.tokenization.windows import LongText

router = new_router(tags=["vLLM"])
SHAPES: Mapping[str, Shape] = dict.fromkeys(("/score", "/v1/score", "/classify", "/pooling"), error_shapes.openai)
RANKING = "text-ranking"
USAGE = {"prompt_tokens": 4, "total_tokens": 4}


class EncoderBody(Body):
    """What all of them have."""

    model: str | None = None
    truncate_prompt_tokens: int | None = Field(None, description="-1 cuts a text that is too long.")

    def long(self, request: Request) -> LongText:
        """What happens to a text that is too long."""
        if self.truncate_prompt_tokens not in (None, -1):
            raise InputError("truncate_prompt_tokens is neither left out nor -1", "-1 cuts where the model's limit is.")
        asked = None if self.truncate_prompt_tokens is None else LongText.TRUNCATE
        return service_of(request).long(LongText.ERROR, asked)


class Score(EncoderBody):
    """Texts, and those that each is held against: one against many, or as many against as many."""

    model_config = ConfigDict(
        extra="ignore", json_schema_extra={"examples": [{"text_1": "a question", "text_2": ["one", "two"]}]}
    )
    text_1: str | list[str] | None = None
    text_2: str | list[str] | None = None
    queries: str | list[str] | None = None
    documents: str | list[str] | None = None


@router.post(
    "/score",
    summary="How well texts go together",
    responses=shown({"object": "list", "data": [{"index": 0, "object": "score", "score": 0.9}], "usage": USAGE}),
)
@router.post("/v1/score", summary="The same", include_in_schema=False)
async def score(request: Request, body: Score) -> Response:
    """By a model that ranks, or by the cosine of vectors."""
    first, second = _pairs(body)
    service = service_of(request)
    able = (RANKING, EMBEDDING) if any(m.task.name == RANKING for m in service.models.values()) else (EMBEDDING,)
    model = service.find(body.model or None, *(able if body.model else able[:1]))
    if model.task.name == RANKING:
        manner = Manner.of(body.long(request), activation="sigmoid")
        pairs = enumerate(zip(first, second, strict=True), 1)
        rows = [Row({"query": query, "documents": [text]}, f"pair {number}") for number, (query, text) in pairs]
        answered = await service.answer(model, rows, manner, asker_of(request))
        scores = [one.ranking[0].score for one in answered.answers if isinstance(one, Ranking)]
    else:
        embedded = await embed(request, model.name, [*first, *second], Wish(asked=body.long(request)))
        answered, vectors_NW = embedded.answered, units(embedded.vectors_NW)
        cosines_N = np.sum(vectors_NW[: len(first)] * vectors_NW[len(first) :], axis=1)
        scores = [float(one) for one in cosines_N]
    return _list(request, answered, [{"object": "score", "score": one} for one in scores])


def _pairs(body: Score) -> tuple[list[str], list[str]]:
    given = [body.text_1 if body.text_1 is not None else body.queries]
    given.append(body.text_2 if body.text_2 is not None else body.documents)
    if given[0] is None or given[1] is None:
        raise InputError("text_1 or text_2 is missing", 'Give {"text_1": …, "text_2": …}.')
    first, second = ([one] if isinstance(one, str) else list(one or ()) for one in given)
    if not first or not second:
        raise EmptyInput("there is no pair", "Give a text on each side.")
    if len(first) == 1:
        first = first * len(second)
    if len(first) != len(second):
        raise InputError(f"{len(first)} texts against {len(second)}", "Give one against many, or as many on each side.")
    return first, second


class ClassifyTexts(EncoderBody):
    """Texts to be classified."""

    model_config = ConfigDict(extra="ignore", json_schema_extra={"examples": [{"input": ["a fine film"]}]})
    input: str | list[str]
    raw_scores: bool | None = None


@router.post(
    "/classify",
    summary="Classes of texts",
    responses=shown(
        {
            "object": "list",
            "data": [{"index": 0, "label": "positive", "probs": [0.1, 0.9], "num_classes": 2}],
            "usage": USAGE,
        }
    ),
)
async def classify(request: Request, body: ClassifyTexts) -> Response:
    """The likeliest class, and all probabilities in the model's order; with `raw_scores`, Infinity's list of labels."""
    service = service_of(request)
    model = service.find(body.model or None, "text-classification")
    manner = Manner.of(body.long(request), problem="regression" if body.raw_scores else None)
    answered = await service.answer(model, rows_of(_several(body.input)), manner, asker_of(request))
    labels = [labels_of(one, model) for one in answered.answers]
    if body.raw_scores is not None:
        payload = _payload(answered, list(labels)) | {"object": "classify"}
        return reply(request, payload, answered)
    found = [_class(one, model.task.labels) for one in labels]
    return _list(request, answered, found)


def _class(labels: Sequence[dict[str, object]], order: Sequence[str]) -> dict[str, object]:
    scores = {str(one["label"]): one["score"] for one in labels}
    return {"label": labels[0]["label"], "probs": [scores[name] for name in order], "num_classes": len(order)}


class Pool(EncoderBody):
    """Texts, and what of them is wanted."""

    model_config = ConfigDict(extra="ignore", json_schema_extra={"examples": [{"input": ["a text"], "task": "embed"}]})
    input: str | list[str]
    task: Literal["embed", "token_embed", "classify"] | None = Field(None, description="embed when left out.")
    encoding_format: Literal["float", "base64"] = "float"
    dimensions: int | None = None


@router.post(
    "/pooling",
    summary="Vectors of texts or of tokens, or probabilities",
    responses=shown({"object": "list", "data": [{"index": 0, "object": "pooling", "data": [0.1]}], "usage": USAGE}),
)
async def pooling(request: Request, body: Pool) -> Response:
    """What the task says."""
    service = service_of(request)
    task = body.task or "embed"
    found: list[Any]
    if task == "embed":
        wish = Wish(asked=body.long(request), dimensions=body.dimensions)
        embedded = await embed(request, body.model or None, body.input, wish)
        answered, found = embedded.answered, lists(embedded.vectors_NW)
    else:
        model = service.find(body.model or None, TOKEN_VECTORS if task == "token_embed" else "text-classification")
        rows = rows_of(_several(body.input))
        answered = await service.answer(model, rows, Manner.of(body.long(request)), asker_of(request))
        if task == "token_embed":
            found = lists([one.vectors for one in answered.answers if isinstance(one, TokenVectors)])
        else:
            probabilities = [_class(labels_of(one, model), model.task.labels)["probs"] for one in answered.answers]
            found = [np.array(one, np.float32) for one in probabilities]
    if body.encoding_format == "base64":
        found = [as_base64(one) for one in found]
    data = [{"index": index, "object": "pooling", "data": one} for index, one in enumerate(found)]
    return await reply_large(request, lambda: _payload(answered, data), answered)


def _list(request: Request, answered: Answered, found: Sequence[dict[str, Any]]) -> Response:
    data = [{"index": index, **one} for index, one in enumerate(found)]
    return reply(request, _payload(answered, data), answered)


def _payload(answered: Answered, data: list[Any]) -> dict[str, object]:
    tokens = answered.input_tokens
    usage = {"prompt_tokens": tokens, "total_tokens": tokens}
    return {
        "id": uuid4().hex,
        "object": "list",
        "created": 0,
        "model": answered.model.name,
        "data": data,
        "usage": usage,
    }


def _several(given: str | list[str]) -> list[str]:
    if not given and isinstance(given, list):
        raise EmptyInput("there is no text", "Give at least one.")
    return [given] if isinstance(given, str) else given
