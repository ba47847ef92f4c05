"""`POST /`: whatever the model is for, in the shapes that the Hugging Face hub's client sends and reads.

`InferenceClient(model=URL)` posts to the URL itself. Of several models the first that does what the body asks for
answers; `/models/NAME` is one by its name.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, TypeVar

from fastapi import Request, Response
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from bertkit.errors import EmptyInput, InputError, UserError
from bertkit.formats.row import Row
from bertkit.inference.served import Manner, ServedModel
from bertkit.server import error_shapes, ranking, tei
from bertkit.server.error_shapes import Shape
from bertkit.server.exchange import Body, asker_of, new_router, problems_of, reply, service_of, shown
from bertkit.server.service import Answered, Service
from bertkit.tasks.fill_mask import Fills
from bertkit.tasks.question_answering import Answers
from bertkit.tasks.scoring import Labels
from bertkit.tasks.token_classification import Entities
from bertkit.tokenization.windows import LongText

router = new_router(tags=["hub"])
SHAPES: Mapping[str, Shape] = dict.fromkeys(("/", "/invocations", "/models/"), error_shapes.tei)
Checked = TypeVar("Checked", bound=BaseModel)
# What `function_to_apply` makes of a classifier's logits.
FUNCTIONS = {"softmax": "single-label", "sigmoid": "multi-label", "none": "regression"}


class Ask(Body):
    """Inputs, and parameters of the task."""

    model_config = ConfigDict(
        extra="allow",
        json_schema_extra={
            "examples": [
                {"inputs": "a text"},
                {"inputs": {"question": "Who?", "context": "Ada did."}, "parameters": {"top_k": 1}},
                {"inputs": "a text", "parameters": {"candidate_labels": ["sport", "art"]}},
                {"inputs": {"source_sentence": "a cat", "sentences": ["a kitten", "a car"]}},
            ]
        },
    )
    inputs: Any = None
    parameters: dict[str, Any] | None = Field(None, description="Of the task, such as top_k.")


class Parameters(BaseModel):
    """Those of all tasks."""

    model_config = ConfigDict(extra="ignore", allow_inf_nan=False)
    top_k: int | None = Field(None, ge=1)
    function_to_apply: Literal["softmax", "sigmoid", "none"] | None = None
    candidate_labels: list[str] | str | None = None
    multi_label: bool | None = None
    hypothesis_template: str | None = None
    aggregation_strategy: Literal["none", "simple", "first", "average", "max"] | None = None
    max_answer_len: int | None = Field(None, ge=1)
    targets: list[str] | str | None = None
    truncation: Any = None


@router.post("/", summary="Whatever the model is for", responses=shown([[{"label": "positive", "score": 0.9}]]))
@router.post("/invocations", summary="The same", include_in_schema=False)
async def ask(request: Request, body: Ask) -> Response:
    """The first model that does what the body asks for."""
    service = service_of(request)
    return await _answer(request, body, _meant(service, body))


@router.post(
    "/models/{name}", summary="The same, of one model", responses=shown([[{"label": "positive", "score": 0.9}]])
)
async def ask_model(request: Request, name: str, body: Ask) -> Response:
    """As `POST /`, of the model that is called so."""
    return await _answer(request, body, service_of(request).find(name))


def _meant(service: Service, body: Ask) -> ServedModel:
    """The model for a body: its inputs or parameters are of one task only, or the first model answers."""
    inputs, parameters = body.inputs, body.parameters or {}
    extra = body.model_extra or {}
    if isinstance(inputs, dict) and "question" in inputs:
        return service.find(None, "question-answering")
    if isinstance(inputs, dict) and "source_sentence" in inputs:
        return service.find(None, "sentence-embedding")
    if "texts" in extra or (isinstance(inputs, dict) and "texts" in inputs):
        return service.find(None, "text-ranking")
    if "candidate_labels" in parameters:
        return service.find(None, "zero-shot-classification")
    return service.find(None)


async def _answer(request: Request, body: Ask, model: ServedModel) -> Response:
    fields = {**(body.model_extra or {}), "inputs": body.inputs}
    given = body.parameters or {}
    task = model.task.name
    if isinstance(body.inputs, dict) and "source_sentence" in body.inputs:
        return await tei.cosines(request, checked(tei.Similarity, {**fields, "parameters": given}), model.name)
    if task == "sentence-embedding":
        return await tei.vectors(request, checked(tei.Embed, {**given, **fields}), model.name)
    if task == "feature-extraction":
        return await tei.token_vectors(request, checked(tei.EmbedAll, {**given, **fields}), model.name)
    if task == "text-ranking":
        inputs = body.inputs if isinstance(body.inputs, dict) else {}
        return await ranking.rank_texts(request, checked(ranking.Rerank, {**fields, **inputs}), model.name)
    if task not in ANSWERS:
        raise UserError(f"the hub's client does not ask for {task}", "Ask POST /v1/predict.")
    return await ANSWERS[task](request, model, body.inputs, checked(Parameters, given))


def checked(kind: type[Checked], values: dict[str, Any]) -> Checked:
    """The body of another route.

    Raises:
        InputError: it is none.
    """
    try:
        return kind.model_validate(values)
    except ValidationError as error:
        raise problems_of(error.errors(include_input=False, include_url=False)) from None


async def _run(
    request: Request, model: ServedModel, inputs: Any, every: dict[str, object], **options: Any
) -> tuple[bool, Answered]:
    """Whether one text was given, and the answers to all. A text too long is cut, as the hub's own servers do."""
    service = service_of(request)
    several = inputs if isinstance(inputs, list) else [inputs]
    if not several:
        raise EmptyInput("`inputs` cannot be empty", "Give at least one.")
    rows = []
    for number, one in enumerate(several, 1):
        fields = one if isinstance(one, dict) else {"text": one}
        rows.append(Row({**fields, **every}, f"input {number}"))
    manner = Manner.of(service.long(LongText.TRUNCATE), **options)
    return not isinstance(inputs, list), await service.answer(model, rows, manner, asker_of(request))


async def _classify(request: Request, model: ServedModel, inputs: Any, asked: Parameters) -> Response:
    """Nested also for one text: the client takes the first of the list."""
    problem = FUNCTIONS.get(asked.function_to_apply or "")
    _, answered = await _run(request, model, inputs, {}, problem=problem)
    return reply(request, [tei.labels_of(one, model)[: asked.top_k] for one in answered.answers], answered)


async def _zero_shot(request: Request, model: ServedModel, inputs: Any, asked: Parameters) -> Response:
    if not asked.candidate_labels:
        raise InputError("parameters.candidate_labels is missing", "Name the labels there.")
    problem = None if asked.multi_label is None else "multi-label" if asked.multi_label else "single-label"
    every: dict[str, object] = {"candidate_labels": asked.candidate_labels}
    options = {"problem": problem, "hypothesis_template": asked.hypothesis_template}
    is_one, answered = await _run(request, model, inputs, every, **options)
    found = [
        [{"label": label.label, "score": label.score} for label in one.labels]
        for one in answered.answers
        if isinstance(one, Labels)
    ]
    return reply(request, found[0] if is_one else found, answered)


async def _entities(request: Request, model: ServedModel, inputs: Any, asked: Parameters) -> Response:
    if asked.aggregation_strategy == "none":
        raise UserError("aggregation_strategy none is not offered: labels are of words", "Choose simple or first.")
    named = asked.aggregation_strategy
    is_one, answered = await _run(request, model, inputs, {}, aggregation=None if named == "simple" else named)
    found = [
        [
            {"entity_group": it.label, "score": it.score, "word": it.text, "start": it.start, "end": it.end}
            for it in one.entities
        ]
        for one in answered.answers
        if isinstance(one, Entities)
    ]
    return reply(request, found[0] if is_one else found, answered)


async def _questions(request: Request, model: ServedModel, inputs: Any, asked: Parameters) -> Response:
    options = {"top_k": asked.top_k or 1, "max_answer_tokens": asked.max_answer_len}
    is_one, answered = await _run(request, model, inputs, {}, **options)
    found = [
        [{"answer": it.answer, "score": it.score, "start": it.start, "end": it.end} for it in one.answers]
        for one in answered.answers
        if isinstance(one, Answers)
    ]
    if asked.top_k is None or asked.top_k == 1:  # the client reads one answer, or a list of them
        firsts = [one[0] if one else {"answer": "", "score": 0.0, "start": 0, "end": 0} for one in found]
        return reply(request, firsts[0] if is_one else firsts, answered)
    return reply(request, found[0] if is_one else found, answered)


async def _masks(request: Request, model: ServedModel, inputs: Any, asked: Parameters) -> Response:
    if asked.targets:
        raise UserError("targets are not offered", "Ask for more with top_k, up to 100.")
    is_one, answered = await _run(request, model, inputs, {}, top_k=asked.top_k)
    found: list[Any] = []
    for one in answered.answers:
        assert isinstance(one, Fills)
        masks = [
            [{"score": it.score, "token": it.id, "token_str": it.token, "sequence": it.sequence} for it in mask]
            for mask in one.fills
        ]
        found.append(masks[0] if len(masks) == 1 else masks)
    return reply(request, found[0] if is_one else found, answered)


ANSWERS = {
    "text-classification": _classify,
    "zero-shot-classification": _zero_shot,
    "token-classification": _entities,
    "question-answering": _questions,
    "fill-mask": _masks,
}
