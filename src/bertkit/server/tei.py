"""The routes of text-embeddings-inference. A text that is too long is cut, as it has been there since 1.9."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib.metadata import version
from typing import Any, Literal

import numpy as np
from fastapi import Request, Response
from pydantic import ConfigDict, Field

from bertkit.errors import EmptyInput, InputError
from bertkit.formats.row import Row
from bertkit.inference.served import CHARACTERS_A_TOKEN, TOKEN_VECTORS, Manner, ServedModel, Side
from bertkit.server import error_shapes
from bertkit.server.embedding import Texts, Wish, embed, lists, similarities
from bertkit.server.error_shapes import Shape
from bertkit.server.exchange import Body, asker_of, new_router, reply, reply_large, rows_of, service_of, shown
from bertkit.server.service import Answered, Service
from bertkit.tasks.contract import Result
from bertkit.tasks.feature_extraction import TokenVectors
from bertkit.tasks.scoring import Labels
from bertkit.tasks.text_classification import Value
from bertkit.tokenization.windows import LongText

router = new_router(tags=["text-embeddings-inference"])
PATHS = ("/embed", "/embed_all", "/predict", "/similarity", "/tokenize", "/decode", "/info", "/ping")
SHAPES: Mapping[str, Shape] = dict.fromkeys(PATHS, error_shapes.tei)


class Cut(Body):
    """What happens to a text that is too long."""

    truncate: bool | None = Field(None, description="Cut it; false refuses it.")
    truncation_direction: Literal["Left", "Right", "left", "right"] | None = None

    @property
    def asked(self) -> LongText | None:
        """What the request says."""
        return None if self.truncate is None else LongText.TRUNCATE if self.truncate else LongText.ERROR

    @property
    def side(self) -> Side | None:
        """Where a text is cut."""
        said = self.truncation_direction
        return None if said is None else "left" if said.lower() == "left" else "right"


class Embed(Cut):
    """Texts to be embedded."""

    model_config = ConfigDict(extra="ignore", json_schema_extra={"examples": [{"inputs": ["a text", "another"]}]})
    inputs: Texts
    normalize: bool = True
    prompt_name: str | None = None
    dimensions: int | None = None


@router.post("/embed", summary="Vectors of texts", responses=shown([[0.1, 0.2]]))
async def embed_texts(request: Request, body: Embed) -> Response:
    """One vector a text."""
    return await vectors(request, body, None)


async def vectors(request: Request, body: Embed, model: str | None) -> Response:
    """The vectors that are asked for, of a model by its name."""
    wish = Wish(LongText.TRUNCATE, body.asked, body.side, body.prompt_name, None, body.normalize, body.dimensions)
    embedded = await embed(request, model, body.inputs, wish)
    return reply(request, lists(embedded.vectors_NW), embedded.answered)


class EmbedAll(Cut):
    """Texts whose tokens are to be embedded."""

    model_config = ConfigDict(extra="ignore", json_schema_extra={"examples": [{"inputs": "a text"}]})
    inputs: str | list[str]


@router.post("/embed_all", summary="A vector a token", responses=shown([[[0.1, 0.2], [0.3, 0.4]]]))
async def embed_all(request: Request, body: EmbedAll) -> Response:
    """The last hidden state of every token, special tokens included."""
    return await token_vectors(request, body, None)


async def token_vectors(request: Request, body: EmbedAll, model: str | None) -> Response:
    """The vectors of tokens that are asked for, of a model by its name."""
    service = service_of(request)
    found = service.find(model, TOKEN_VECTORS)
    manner = Manner.of(service.long(LongText.TRUNCATE, body.asked), body.side)
    answered = await service.answer(found, rows_of(_several(body.inputs)), manner, asker_of(request))
    found_vectors = [one.vectors for one in answered.answers if isinstance(one, TokenVectors)]
    return await reply_large(request, lambda: lists(found_vectors), answered)


class Classify(Cut):
    """Texts, or pairs, to be classified."""

    model_config = ConfigDict(
        extra="ignore",
        json_schema_extra={"examples": [{"inputs": "a fine film"}, {"inputs": [["one"], ["a", "pair"]]}]},
    )
    inputs: str | list[str] | list[list[str]] = Field(description="A text; one pair; or a list of [text] and [a, b].")
    raw_scores: bool = False


@router.post("/predict", summary="Labels of texts", responses=shown([{"label": "positive", "score": 0.9}]))
async def predict(request: Request, body: Classify) -> Response:
    """All labels, best first; of a list of lists a list each."""
    service = service_of(request)
    found = service.find(None, "text-classification")
    answered = await classified(service, request, found, body)
    records = [labels_of(one, found) for one in answered.answers]
    is_batch = isinstance(body.inputs, list) and isinstance(body.inputs[0], list)
    return reply(request, records if is_batch else records[0], answered)


async def classified(service: Service, request: Request, model: ServedModel, body: Classify) -> Answered:
    """The answers for the texts of a request. `["a", "b"]` is one pair."""
    given = body.inputs
    several: Sequence[Any] = [given] if isinstance(given, str) or (given and isinstance(given[0], str)) else given
    if not several:
        raise EmptyInput("`inputs` cannot be empty", "Give at least one text.")
    rows = [_row(one, f"input {number}") for number, one in enumerate(several, 1)]
    problem = "regression" if body.raw_scores else None
    manner = Manner.of(service.long(LongText.TRUNCATE, body.asked), body.side, problem=problem)
    return await service.answer(model, rows, manner, asker_of(request))


def labels_of(answer: Result, model: ServedModel) -> list[dict[str, object]]:
    """The labels of an answer; of a regression its number."""
    if isinstance(answer, Value):
        return [{"label": model.task.labels[0], "score": answer.value}]
    assert isinstance(answer, Labels)
    return [{"label": one.label, "score": one.score} for one in answer.labels]


def _row(given: str | list[str], place: str) -> Row:
    texts = [given] if isinstance(given, str) else given
    if not 1 <= len(texts) <= 2:
        raise InputError(f"{place}: {len(texts)} texts, not one or a pair", "Give each as [text] or [text, text].")
    return Row(dict(zip(("text", "text_pair"), texts, strict=False)), place)


class Pair(Body):
    """A text, and those that it is compared with."""

    source_sentence: str
    sentences: list[str] = Field(min_length=1)


class SimilarityOptions(Cut):
    """How texts are read."""

    prompt_name: str | None = None


class Similarity(Body):
    """A text, and those that it is compared with."""

    model_config = ConfigDict(
        extra="ignore",
        json_schema_extra={"examples": [{"inputs": {"source_sentence": "a cat", "sentences": ["a kitten", "a car"]}}]},
    )
    inputs: Pair
    parameters: SimilarityOptions | None = None


@router.post("/similarity", summary="Cosines of vectors", responses=shown([0.8, 0.1]))
async def similarity(request: Request, body: Similarity) -> Response:
    """How alike the texts are to the first one."""
    return await cosines(request, body, None)


async def cosines(request: Request, body: Similarity, model: str | None) -> Response:
    """The similarities that are asked for, of a model by its name."""
    options = body.parameters or SimilarityOptions.model_validate({})
    wish = Wish(LongText.TRUNCATE, options.asked, options.side, options.prompt_name)
    texts = [body.inputs.source_sentence, *body.inputs.sentences]
    embedded = await embed(request, model, texts, wish)
    found = similarities(embedded.vectors_NW[:1], embedded.vectors_NW[1:])[0]
    return reply(request, [float(one) for one in np.clip(found, -1, 1)], embedded.answered)


class Tokenize(Body):
    """Texts to be tokenised."""

    model_config = ConfigDict(extra="ignore", json_schema_extra={"examples": [{"inputs": "a text"}]})
    inputs: str | list[str]
    add_special_tokens: bool = True
    prompt_name: str | None = None


@router.post(
    "/tokenize",
    summary="Tokens of texts",
    responses=shown([[{"id": 101, "text": "[CLS]", "special": True, "start": None, "stop": None}]]),
)
async def tokenize(request: Request, body: Tokenize) -> Response:
    """Ids, and where each token is in the text, in code points."""
    service = service_of(request)
    model = service.find(None)
    texts = _several(body.inputs)
    service.settings.limits.check_texts(len(texts))
    payload = await service.with_permit(
        model, sum(map(len, texts)), asker_of(request), lambda: _tokens(model, texts, special=body.add_special_tokens)
    )
    return reply(request, payload)


def _tokens(model: ServedModel, texts: Sequence[str], *, special: bool) -> list[list[dict[str, object]]]:
    tokenizer = model.tokenizer
    frame = tokenizer.template.single
    prefix, suffix = (_special(model, part.ids) if special else [] for part in (frame.prefix, frame.suffix))
    found = []
    for text, tokens in zip(texts, tokenizer.tokenize(texts, offsets=True), strict=True):
        own: list[dict[str, object]] = [
            {"id": id, "text": text[start:stop], "special": False, "start": start, "stop": stop}
            for id, (start, stop) in zip(tokens.ids, tokens.offsets or [], strict=True)
        ]
        found.append([*prefix, *own, *suffix])
    return found


def _special(model: ServedModel, ids: Sequence[int]) -> list[dict[str, object]]:
    text = model.tokenizer.token
    return [{"id": id, "text": text(id), "special": True, "start": None, "stop": None} for id in ids]


class Decode(Body):
    """Tokens to be written as text."""

    model_config = ConfigDict(extra="ignore", json_schema_extra={"examples": [{"ids": [101, 7592, 102]}]})
    ids: list[int] | list[list[int]]
    skip_special_tokens: bool = True


@router.post("/decode", summary="Texts of tokens", responses=shown(["hello"]))
async def decode(request: Request, body: Decode) -> Response:
    """Readable text, not always the one that the tokens came from."""
    service = service_of(request)
    model = service.find(None)
    tokenizer = model.tokenizer
    several: Any = body.ids if body.ids and isinstance(body.ids[0], list) else [body.ids]

    def texts() -> list[str]:
        return [tokenizer.decode(ids, special_tokens=not body.skip_special_tokens) for ids in several]

    service.settings.limits.check_texts(len(several))
    count = sum(map(len, several)) * CHARACTERS_A_TOKEN
    return reply(request, await service.with_permit(model, count, asker_of(request), texts))


@router.get("/info", summary="What the first model is")
async def info(request: Request) -> Response:
    """What is loaded, and what a request may ask for."""
    service = service_of(request)
    model = service.find(None)
    labels = {str(number): label for number, label in enumerate(model.task.labels)}
    described = {"id2label": labels, "label2id": {label: int(number) for number, label in labels.items()}}
    pooling: Any = model.task.made_with.get("pooling", "mean")
    kinds: dict[str, Any] = {
        "sentence-embedding": {"embedding": {"pooling": pooling if isinstance(pooling, str) else "+".join(pooling)}},
        "text-ranking": {"reranker": described},
    }
    payload = {
        "model_id": model.name,
        "model_sha": None,
        "model_dtype": model.dtype,
        "served_model_name": model.name,
        "model_type": kinds.get(model.task.name, {"classifier": described}),
        "max_concurrent_requests": 1_000,
        "max_input_length": model.max_length,
        "max_batch_tokens": model.engine.batch_tokens,
        "max_batch_requests": None,
        "max_client_batch_size": service.settings.limits.texts,
        "auto_truncate": service.long(LongText.TRUNCATE) == LongText.TRUNCATE,
        "tokenization_workers": service.settings.tokenizers,
        "version": version("bertkit"),
        "sha": None,
        "docker_label": None,
    }
    return reply(request, payload)


@router.get("/ping", summary="Whether anyone is there")
async def ping(request: Request) -> Response:
    """An empty answer; 503 where a request would not be answered."""
    return Response(status_code=200 if request.app.state.is_ready() else 503)


def _several(given: str | list[str]) -> list[str]:
    if not given and isinstance(given, list):
        raise EmptyInput("`inputs` cannot be empty", "Give at least one text.")
    return [given] if isinstance(given, str) else given
