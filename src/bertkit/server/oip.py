"""The Open Inference Protocol, version 2, as KServe and Triton's client speak it, with its binary extension."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib.metadata import version as package_version
from typing import Any

import numpy as np
import orjson
from fastapi import Request, Response
from pydantic import ValidationError

from bertkit.errors import InputError, ModelNotFound
from bertkit.formats.row import Row
from bertkit.inference.served import Manner, ServedModel
from bertkit.server import error_shapes
from bertkit.server.error_shapes import Shape
from bertkit.server.exchange import asker_of, new_router, problems_of, reply, service_of, shown
from bertkit.server.oip_tensors import LENGTH_HEADER, Inference, Values, split, texts_of, written
from bertkit.server.service import Answered
from bertkit.tasks.contract import Result
from bertkit.tasks.scoring import Labels
from bertkit.tasks.sentence_embedding import Embedding
from bertkit.tokenization.windows import LongText

router = new_router(tags=["Open Inference Protocol"])
SHAPES: Mapping[str, Shape] = {"/v2": error_shapes.one_line, "/v2/models/": error_shapes.one_line}
VERSION = "1"
PLATFORM = "pytorch_torchscript"  # the nearest of a closed list
MANY = {"documents", "candidate_labels", "choices"}  # fields that hold several texts a row
ASKED = {"inputs": [{"name": "text", "shape": [1], "datatype": "BYTES", "data": ["a text"]}]}
EXAMPLE = {
    "model_name": "embeddings",
    "model_version": VERSION,
    "outputs": [{"name": "embeddings", "shape": [1, 2], "datatype": "FP32", "data": [0.1, 0.2]}],
}


@router.get("/v2", summary="What serves")
async def server(request: Request) -> Response:
    """Its name, version and extensions."""
    return reply(
        request, {"name": "bertkit", "version": package_version("bertkit"), "extensions": ["binary_tensor_data"]}
    )


@router.get("/v2/health/live", summary="Whether it is alive")
async def live(request: Request) -> Response:
    """An empty answer, 200 or 503."""
    return Response(status_code=200 if request.app.state.is_live() else 503)


@router.get("/v2/health/ready", summary="Whether it answers")
async def ready(request: Request) -> Response:
    """An empty answer, 200 or 503."""
    return Response(status_code=200 if request.app.state.is_ready() else 503)


@router.get("/v2/models/{name}/ready", summary="Whether a model answers")
@router.get("/v2/models/{name}/versions/{version}/ready", include_in_schema=False, summary="The same")
async def model_ready(request: Request, name: str, version: str = VERSION) -> Response:
    """An empty answer, 200 or 503; 404 where there is no such model."""
    _model(request, name, version)
    return await ready(request)


@router.get("/v2/models/{name}", summary="What a model takes and gives")
@router.get("/v2/models/{name}/versions/{version}", include_in_schema=False, summary="The same")
async def metadata(request: Request, name: str, version: str = VERSION) -> Response:
    """Its inputs and outputs."""
    model = _model(request, name, version)
    outputs: list[dict[str, object]] = [{"name": "record", "datatype": "BYTES", "shape": [-1]}]
    if model.task.name == "sentence-embedding":
        outputs.insert(0, {"name": "embeddings", "datatype": "FP32", "shape": [-1, -1]})
    if model.task.name == "text-classification":
        outputs[:0] = [
            {"name": "labels", "datatype": "BYTES", "shape": [-1, -1]},
            {"name": "scores", "datatype": "FP32", "shape": [-1, -1]},
        ]
    inputs = [
        {"name": field, "datatype": "BYTES", "shape": [-1, -1] if field in MANY else [-1]}
        for field in model.task.fields
    ]
    payload = {"name": model.name, "versions": [VERSION], "platform": PLATFORM, "inputs": inputs, "outputs": outputs}
    return reply(request, payload)


@router.post(
    "/v2/models/{name}/infer",
    summary="Outputs for inputs",
    responses=shown(EXAMPLE),
    openapi_extra={"requestBody": {"content": {"application/json": {"schema": {"type": "object"}, "example": ASKED}}}},
)
@router.post("/v2/models/{name}/versions/{version}/infer", include_in_schema=False, summary="The same")
async def infer(request: Request, name: str, version: str = VERSION) -> Response:
    """An input for each field of the task; a text a row, of some fields several. A text too long is refused."""
    model = _model(request, name, version)
    json, behind = split(await request.body(), request.headers.get(LENGTH_HEADER))
    try:
        inference = Inference.model_validate(orjson.loads(json))
    except orjson.JSONDecodeError:
        raise InputError("the body is not JSON", "Send a JSON object in UTF-8.") from None
    except ValidationError as error:
        raise problems_of(error.errors(include_input=False, include_url=False)) from None
    rows = _rows(model, inference, texts_of(inference, behind))
    service = service_of(request)
    answered = await service.answer(model, rows, Manner.of(service.long(LongText.ERROR)), asker_of(request))
    outputs = _outputs(answered)
    unknown = [one.name for one in inference.outputs if one.name not in outputs]
    if unknown:
        raise InputError(f"no output {unknown[0][:40]!r}", f"There are {', '.join(outputs)}.")
    if inference.outputs:
        outputs = {one.name: outputs[one.name] for one in inference.outputs}
    head: dict[str, object] = {"model_name": model.name, "model_version": VERSION}
    if inference.id is not None:
        head["id"] = inference.id
    content, length = written(head, outputs, inference)
    request.state.timing = answered.timing
    headers = {} if length is None else {LENGTH_HEADER: str(length)}
    return Response(content, 200, headers, "application/json" if length is None else "application/octet-stream")


def _model(request: Request, name: str, version: str) -> ServedModel:
    model = service_of(request).find(name)
    if version != VERSION:
        raise ModelNotFound(f"{name} has no version {version[:20]!r}", f"There is {VERSION}.")
    return model


def _rows(model: ServedModel, inference: Inference, texts: Mapping[str, Sequence[str]]) -> list[Row]:
    fields = model.task.fields
    unknown = [name for name in texts if name not in fields]
    if unknown:
        raise InputError(f"no input {unknown[0][:40]!r}", f"There are {', '.join(fields)}.")
    shapes = {tensor.name: tensor.shape for tensor in inference.inputs}
    counts = {name: (shapes[name] or [1])[0] if name in MANY else len(texts[name]) for name in texts}
    if len(set(counts.values())) != 1:
        raise InputError("inputs are of different numbers of rows", "Give each field for every row.")
    (count,) = set(counts.values())
    if count == 0:
        raise InputError("there are no rows", "Give at least one.")
    values: dict[str, Sequence[Any]] = {}
    for name, given in texts.items():
        each = len(given) // count
        values[name] = [list(given[n * each : (n + 1) * each]) for n in range(count)] if name in MANY else given
    return [Row({name: values[name][n] for name in values}, f"row {n + 1}") for n in range(count)]


def _outputs(answered: Answered) -> dict[str, tuple[Sequence[int], Values]]:
    answers: Sequence[Result] = answered.answers
    count = len(answers)
    found: dict[str, tuple[Sequence[int], Values]] = {}
    if all(isinstance(one, Embedding) for one in answers):
        vectors_NW = np.stack([one.embedding for one in answers if isinstance(one, Embedding)])
        found["embeddings"] = vectors_NW.shape, vectors_NW
    labels = [one.labels for one in answers if isinstance(one, Labels)]
    if len(labels) == count and len({len(one) for one in labels}) == 1:
        shape = (count, len(labels[0]))
        found["labels"] = shape, [label.label for one in labels for label in one]
        found["scores"] = shape, np.array([[label.score for label in one] for one in labels], np.float32)
    found["record"] = (count,), [orjson.dumps(one.record()).decode() for one in answers]
    return found
