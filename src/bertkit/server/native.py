"""bertkit's own routes: rows and records as the command line has them, the state of the server, its counts."""

from __future__ import annotations

from typing import Any, Literal

from fastapi import Request, Response
from pydantic import ConfigDict, Field

from bertkit.formats.python_rows import fields_of
from bertkit.formats.row import Row
from bertkit.inference.pipeline import Failure
from bertkit.inference.served import Manner
from bertkit.server import error_shapes
from bertkit.server.exchange import Body, asker_of, new_router, reply, reply_large, service_of, shown
from bertkit.server.metrics import CONTENT_TYPE
from bertkit.server.service import Service
from bertkit.tokenization.windows import LongText

router = new_router(tags=["bertkit"])
STUCK_SECONDS = 120.0  # of one batch, after which something is wrong


class Predict(Body):
    """Rows, as `bertkit predict` reads them."""

    model_config = ConfigDict(
        extra="forbid",
        allow_inf_nan=False,
        json_schema_extra={
            "examples": [
                {"model": "sentiment", "rows": ["A warm and funny film.", {"text": "A waste of an evening."}]},
                {"rows": [{"question": "Who wrote it?", "context": "Ada wrote it."}], "options": {"top_k": 1}},
            ]
        },
    )
    rows: list[str | dict[str, Any]] = Field(min_length=1, description="Texts, or objects with the task's fields.")
    model: str | None = Field(None, description="One of GET /v1/models; the first that has the fields when left out.")
    task: str | None = Field(None, description="What it is to do, where no model is named.")
    long: Literal["error", "truncate", "window"] | None = Field(None, description="What a text too long becomes.")
    on_error: Literal["stop", "record"] = "stop"
    options: dict[str, Any] = Field({}, description="Of the task, such as top_k.")


@router.post(
    "/v1/predict",
    summary="Records of rows, as `bertkit predict --json` gives them",
    responses=shown(
        {
            "model": "sentiment",
            "task": "text-classification",
            "records": [
                {
                    "labels": [{"label": "positive", "score": 0.99}, {"label": "negative", "score": 0.01}],
                    "input_tokens": 8,
                    "windows": 1,
                    "truncated": False,
                    "dtype": "float32",
                }
            ],
        }
    ),
)
async def predict(request: Request, body: Predict) -> Response:
    """Any task, in one shape."""
    service = service_of(request)
    name = body.model or None
    model = service.find(name, *([body.task] if body.task else [] if name else _tasks_of(service, body.rows[0])))
    asked = None if body.long is None else LongText(body.long)
    manner = Manner.of(service.long(LongText.ERROR, asked), **body.options)
    rows = [Row(fields_of(row, model.task.fields), f"row {number}") for number, row in enumerate(body.rows, 1)]
    answered = await service.answer(model, rows, manner, asker_of(request), body.on_error)

    def payload() -> object:
        records = [
            error_shapes.record(one.error) if isinstance(one, Failure) else one.record() for one in answered.results
        ]
        return {"model": model.name, "task": model.task.name, "records": records}

    return await reply_large(request, payload, answered)


def _tasks_of(service: Service, row: str | dict[str, Any]) -> list[str]:
    """The tasks that read what a row has: those of which it has every field, else those of a text."""
    given = {"text"} if isinstance(row, str) else set(row)
    own = [model.task for model in service.models.values() if set(model.task.fields) <= given]
    best = max((len(task.fields) for task in own), default=0)
    if own:
        return [task.name for task in own if len(task.fields) == best]
    return [model.task.name for model in service.models.values() if model.task.fields[0] in given]


@router.get("/health", summary="Whether a request would be answered")
@router.get("/health/ready", summary="The same, for probes")
async def ready(request: Request) -> Response:
    """200, or 503 while the server starts, ends, or cannot compute."""
    return _state(request, request.app.state.is_ready())


@router.get("/health/live", summary="Whether the process is worth keeping")
async def live(request: Request) -> Response:
    """503 where what computes has died, or one batch takes for ever."""
    return _state(request, request.app.state.is_live())


@router.get("/health/startup", summary="Whether the models are loaded")
async def startup(request: Request) -> Response:
    """503 until they are."""
    return _state(request, request.app.state.is_started())


def _state(request: Request, good: bool) -> Response:
    response = reply(request, {"status": "ok" if good else "unavailable"})
    response.status_code = 200 if good else 503
    return response


@router.get("/metrics", summary="Counts, as Prometheus reads them")
async def metrics(request: Request) -> Response:
    """Own names, and those of text-embeddings-inference."""
    return Response(request.app.state.metrics.text(), media_type=CONTENT_TYPE)
