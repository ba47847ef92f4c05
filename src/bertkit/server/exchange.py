"""What the handlers of all protocols do alike: take the service from a request, and give JSON back."""

from __future__ import annotations

import sys
from collections.abc import Callable, Coroutine, Sequence
from typing import Any, cast

import orjson
from fastapi import APIRouter, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from pydantic import BaseModel, ConfigDict

from bertkit.errors import InputError
from bertkit.formats.row import Row
from bertkit.inference.served import TOKEN_VECTORS
from bertkit.server.service import Answered, Asker, Service

SHOWN = 3  # problems of a body that are told


class Body(BaseModel):
    """What a foreign protocol sends: keys that nothing is known of are passed over, as its own servers do."""

    model_config = ConfigDict(extra="ignore", allow_inf_nan=False)


class JsonRequest(Request):
    """A request whose JSON is read strictly: no NaN, no half surrogates, nothing nested without end."""

    async def json(self) -> Any:
        """The body."""
        return orjson.loads(await self.body())


class JsonRoute(APIRoute):
    """A route whose JSON is read so."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """The handler."""
        answer = super().get_route_handler()

        async def handler(request: Request) -> Response:
            # Whatever the client calls it (curl: a form), or does not: a body here is JSON.
            headers = [one for one in request.scope["headers"] if one[0] != b"content-type"]
            scope = {**request.scope, "headers": [*headers, (b"content-type", b"application/json")]}
            return await answer(JsonRequest(scope, request.receive))

        return handler


def new_router(**options: Any) -> APIRouter:
    """A router of such routes."""
    return APIRouter(route_class=JsonRoute, **options)


def service_of(request: Request) -> Service:
    """The models that the server had when the request came."""
    return cast("Service", request.state.service)


def asker_of(request: Request) -> Asker:
    """Who asks."""
    return cast("Asker", request.state.asker)


def rows_of(texts: Sequence[str], field: str = "text", **every: object) -> list[Row]:
    """A row for each text.

    Args:
        every: fields that all of them have.
    """
    return [Row({field: text, **every}, f"input {number}") for number, text in enumerate(texts, 1)]


def reply(request: Request, payload: object, answered: Answered | None = None) -> Response:
    """The payload as JSON; arrays of numpy are lists.

    Args:
        answered: whose tokens and seconds the headers tell.
    """
    if answered is not None:
        request.state.timing = answered.timing
    return Response(orjson.dumps(payload, option=orjson.OPT_SERIALIZE_NUMPY), media_type="application/json")


async def reply_large(request: Request, payload: Callable[[], object], answered: Answered) -> Response:
    """A payload that takes its time to be made and written, which is done beside the loop that answers others."""
    is_small = answered.model.task.name != TOKEN_VECTORS
    size = answered.timing.characters if is_small else sys.maxsize
    return await service_of(request).run(lambda: reply(request, payload(), answered), size)


def shown(example: object, description: str = "The answer.") -> dict[int | str, dict[str, Any]]:
    """What a route says of its answer: an example of it."""
    return {200: {"description": description, "content": {"application/json": {"example": example}}}}


def explained(error: RequestValidationError) -> InputError:
    """What is wrong with a body, where, and nothing of what it says."""
    return problems_of(error.errors())


def problems_of(found: Sequence[Any]) -> InputError:
    """The same, of what pydantic found."""
    problems = [
        f"{'.'.join(str(part) for part in one['loc'] if part != 'body') or 'the body'}: {one['msg']}"
        for one in found
        if one["type"] != "json_invalid"
    ]
    if not problems:
        return InputError("the body is not JSON", "Send a JSON object in UTF-8.")
    more = f" (and {len(problems) - SHOWN} more)" if len(problems) > SHOWN else ""
    return InputError("; ".join(problems[:SHOWN]) + more, "Correct the request; /openapi.json has an example of it.")
