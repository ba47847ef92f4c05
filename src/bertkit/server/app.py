"""The application: every protocol's routes over one service, the guard around them."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from importlib.metadata import version
from typing import Any

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException

from bertkit.errors import BertkitError, ModelNotFound, UserError
from bertkit.server import admin, cohere, hub, native, oip, ollama, openai, page, ranking, searching, tei, vllm
from bertkit.server.error_shapes import Shape, Shapes
from bertkit.server.exchange import explained
from bertkit.server.guard import Guard
from bertkit.server.metrics import Metrics
from bertkit.server.service import Service
from bertkit.server.settings import ServeSettings

PROTOCOLS: tuple[Any, ...] = (native, searching, openai, tei, ranking, cohere, ollama, vllm, hub, oip, admin, page)
Reload = Callable[[], Awaitable[list[str]]]  # gives the names of the models
DESCRIPTION = "BERT encoders by many protocols. Texts that are too long are never cut without saying so."


class Application:
    """The routes, and the service behind them once it is there.

    Attributes:
        asgi: what a web server calls.
        reload: has the models loaded again.
        is_full: whether there is no memory for more requests.
    """

    def __init__(self, settings: ServeSettings, clock: Callable[[], float] = time.monotonic) -> None:
        self.settings = settings
        self.service: Service | None = None
        self.is_full = False
        self._clock = clock
        self.metrics = Metrics(lambda: self.service)
        self.shapes = Shapes(_shapes())
        self.reload: Reload | None = None
        self.asgi = Guard(
            self._routes(), settings, self.shapes, self.metrics, lambda: self.service, lambda: self.is_full
        )

    def serve(self, service: Service) -> None:
        """The models are loaded: what comes from now on is answered by them."""
        self.service = service

    @property
    def is_ready(self) -> bool:
        """Whether a request would be answered."""
        return self.service is not None and self.service.is_ready

    @property
    def is_live(self) -> bool:
        """Whether what computes is there, and gets on; so it is taken to be while models are loaded."""
        return self.service is None or (self.service.worker.is_alive and not self.is_stuck)

    @property
    def is_stuck(self) -> bool:
        """Whether a batch is computed for ever."""
        since = None if self.service is None else self.service.worker.busy_since
        return since is not None and self._clock() - since >= native.STUCK_SECONDS

    def _routes(self) -> FastAPI:
        api = FastAPI(
            title="bertkit",
            version=version("bertkit"),
            description=DESCRIPTION,
            docs_url=None,  # its page loads scripts from elsewhere
            redoc_url=None,
            strict_content_type=False,
        )
        self._api = api
        api.state.metrics = self.metrics
        api.state.is_ready = lambda: self.is_ready
        api.state.is_live = lambda: self.is_live
        api.state.is_started = lambda: self.service is not None
        api.state.reload = lambda: self.reload
        for protocol in PROTOCOLS:
            api.include_router(protocol.router)

        async def refuse(request: Request, error: Exception) -> Response:
            known = _known(error)
            request.state.error = type(known).__name__
            response = self.shapes.response(request.url.path, known)
            if isinstance(error, HTTPException):
                response.status_code = error.status_code
                response.headers.update(error.headers or {})
            return response

        for kind in (BertkitError, RequestValidationError, HTTPException):
            api.add_exception_handler(kind, refuse)
        return api


def _known(error: Exception) -> BertkitError:
    if isinstance(error, BertkitError):
        return error
    if isinstance(error, RequestValidationError):
        return explained(error)
    assert isinstance(error, HTTPException)
    if error.status_code == 404:
        return ModelNotFound("no such route", "GET /openapi.json lists what there is.")
    if error.status_code == 405:
        return UserError("the route is there for another method", "GET /openapi.json lists what there is.")
    return UserError("the request cannot be read", "Send JSON.")


def _shapes() -> dict[str, Shape]:
    return {path: shape for protocol in PROTOCOLS for path, shape in getattr(protocol, "SHAPES", {}).items()}
