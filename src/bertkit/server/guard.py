"""Around every request: who asks, how much, how long, whether still; and what of it is logged and counted.

It is plain ASGI, outside of the web framework: what is refused here has cost next to nothing. A body is read here,
whole, within its limits; while the answer is made, whoever asked is watched, and the work dropped when they have gone.
"""

from __future__ import annotations

import asyncio
import json
import logging
import time
from collections.abc import Callable, MutableMapping
from contextlib import nullcontext
from typing import Any

from bertkit.errors import BertkitError, InputError, NotAllowed, NotServing, Overloaded, RequestTooLarge, UserError
from bertkit.inference.scheduler import SHARES
from bertkit.server.access import ADMIN_PATHS, OPEN_PATHS, check_host, check_page, client_of, is_below
from bertkit.server.error_shapes import Shapes
from bertkit.server.metrics import Metrics
from bertkit.server.service import Asker, Service, Timing
from bertkit.server.settings import ServeSettings
from bertkit.server.worker import where

Message = MutableMapping[str, Any]
Scope = MutableMapping[str, Any]
Receive = Callable[[], Any]
Send = Callable[[Message], Any]

logger = logging.getLogger("bertkit.server")
PAGE_PATHS = "/page"  # what stands there needs no model: it says that the server starts
FULL_SECONDS = 5  # after which one may ask again
GONE = 499  # as nginx writes into its log: whoever asked did not wait for the answer
HEADERS = [(b"x-content-type-options", b"nosniff"), (b"cache-control", b"no-store")]


class Guard:
    """Middleware around the application.

    Args:
        service: the models that answer from now on; without any, requests get 503. A request keeps those that it
            has begun with.
        is_full: whether there is no memory for more.
    """

    def __init__(
        self,
        app: Any,
        settings: ServeSettings,
        shapes: Shapes,
        metrics: Metrics,
        service: Callable[[], Service | None],
        is_full: Callable[[], bool],
    ) -> None:
        self._app = app
        self._settings = settings
        self._shapes = shapes
        self._metrics = metrics
        self._service = service
        self._is_full = is_full

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        exchange = Exchange(scope, send)
        service = self._service()
        scope.setdefault("state", {})["service"] = service
        try:
            with nullcontext() if service is None else service.in_use():
                body = await self._admit(scope, receive)
                await self._answer(exchange, scope, body, receive)
        except _Gone:
            return
        except Exception as error:
            await self._refuse(exchange, scope, receive, error)
        finally:
            self._note(exchange)

    async def _admit(self, scope: Scope, receive: Receive) -> bytes:
        """Checks who asks; reads the body."""
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
        check_host(headers.get("host", ""), (*self._settings.hosts, self._settings.host))
        check_page(scope["method"], headers.get("sec-fetch-site", ""))
        is_open = is_below(scope["path"], OPEN_PATHS)
        client = _address(scope) if is_open else self._client(scope, headers)
        state = scope["state"]
        is_page = scope["method"] == "GET" and (scope["path"] == "/" or is_below(scope["path"], PAGE_PATHS))
        if not is_open and not is_page and state["service"] is None:
            raise NotServing("the server is starting or ending")
        if self._is_full() and not is_open:
            raise Overloaded("the server has no memory for more", retry_after_seconds=FULL_SECONDS)
        state["asker"] = asker_of(headers, client, self._settings)
        if headers.get("content-encoding", "identity") != "identity":
            raise UserError("the body is compressed", "Send it as it is.")
        return await self._read(headers.get("content-length", ""), receive)

    def _client(self, scope: Scope, headers: MutableMapping[str, str]) -> str:
        """Who asks: what the key is called, else the address."""
        given = headers.get("authorization", ""), headers.get("x-api-key", "")
        if is_below(scope["path"], ADMIN_PATHS):
            if not self._settings.admin_hashes:
                raise NotAllowed("there is no key that may change this server", "Start it with --admin-key-file FILE.")
            return client_of(*given, self._settings.admin_hashes)
        return client_of(*given, self._settings.key_hashes) if self._settings.key_hashes else _address(scope)

    async def _read(self, declared: str, receive: Receive) -> bytes:
        most = self._settings.limits.body_bytes
        if declared.isdigit() and int(declared) > most:
            raise RequestTooLarge(f"a body of {int(declared):,} bytes; the most is {most:,}")
        parts: list[bytes] = []
        size = 0
        try:
            async with asyncio.timeout(self._settings.seconds.body):
                while True:
                    message = await receive()
                    if message["type"] == "http.disconnect":
                        raise _Gone
                    parts.append(message.get("body", b""))
                    size += len(parts[-1])
                    if size > most:
                        raise RequestTooLarge(f"a body of more than {most:,} bytes")
                    if not message.get("more_body", False):
                        return b"".join(parts)
        except TimeoutError:
            raise _BodyTimeOut("the body did not come in time", "Send it faster.") from None

    async def _answer(self, exchange: Exchange, scope: Scope, body: bytes, receive: Receive) -> None:
        """Has the application answer, as long as anyone waits."""

        async def replay() -> Message:
            if exchange.is_read:
                return await exchange.gone
            exchange.is_read = True
            return {"type": "http.request", "body": body, "more_body": False}

        answering = asyncio.ensure_future(self._app(scope, replay, exchange.send))
        watching = asyncio.ensure_future(receive())
        try:
            await asyncio.wait({answering, watching}, return_when=asyncio.FIRST_COMPLETED)
            if not answering.done() and not exchange.is_complete:
                exchange.status = GONE
                answering.cancel()
                await asyncio.wait({answering})
                return
            await answering
        finally:
            watching.cancel()
            answering.cancel()
            exchange.gone.cancel()

    async def _refuse(self, exchange: Exchange, scope: Scope, receive: Receive, error: Exception) -> None:
        known = error
        if not isinstance(error, BertkitError):
            logger.error("a request failed: %s", where(error))
            known = BertkitError("the server failed at this")
        assert isinstance(known, BertkitError)
        exchange.error = type(known).__name__
        if not exchange.has_begun:
            response = self._shapes.response(scope["path"], known)
            if isinstance(known, RequestTooLarge | _BodyTimeOut):
                response.headers["connection"] = "close"
            await response(scope, receive, exchange.send)

    def _note(self, exchange: Exchange) -> None:
        route = getattr(exchange.scope.get("route"), "path", "none")
        timing = exchange.scope.get("state", {}).get("timing")
        seconds = time.perf_counter() - exchange.began
        error = exchange.error or exchange.scope.get("state", {}).get("error")
        self._metrics.request(route, exchange.status, error, timing, seconds)
        line = {"route": route, "status": exchange.status, "milliseconds": round(1e3 * seconds, 2), "error": error}
        if timing is not None:
            line |= {"model": timing.model, "tokens": timing.tokens, "queue": round(1e3 * timing.queue_seconds, 2)}
        logger.info(json.dumps({name: value for name, value in line.items() if value is not None}))


class _BodyTimeOut(UserError):
    http_status = 408


class _Gone(Exception):
    """Whoever asked has gone before all of it was said."""


class Exchange:
    """One request and its response, as far as they have come."""

    def __init__(self, scope: Scope, send: Send) -> None:
        self.scope = scope
        self.began = time.perf_counter()
        self.status = GONE
        self.error: str | None = None
        self.has_begun = self.is_complete = self.is_read = False
        self.gone: asyncio.Future[Message] = asyncio.get_running_loop().create_future()
        self._send = send

    async def send(self, message: Message) -> None:
        """Passes a part of the response on."""
        if message["type"] == "http.response.start":
            self.has_begun = True
            self.status = message["status"]
            timing = self.scope.get("state", {}).get("timing")
            own = [] if timing is None else timing_headers(timing, time.perf_counter() - self.began)
            message["headers"] = [*message.get("headers", []), *HEADERS, *own]
        elif message["type"] == "http.response.body" and not message.get("more_body", False):
            self.is_complete = True
        await self._send(message)


def timing_headers(timing: Timing, seconds: float) -> list[tuple[bytes, bytes]]:
    """What text-embeddings-inference says of a request, in milliseconds."""
    values = {
        "x-compute-type": timing.device,
        "x-compute-time": round(1e3 * seconds),
        "x-compute-characters": timing.characters,
        "x-compute-tokens": timing.tokens,
        "x-total-time": round(1e3 * seconds),
        "x-tokenization-time": round(1e3 * timing.tokenization_seconds),
        "x-queue-time": round(1e3 * timing.queue_seconds),
        "x-inference-time": round(1e3 * timing.inference_seconds),
        "x-bertkit-model": timing.model,
        "x-bertkit-windows": timing.windows,
        "x-bertkit-truncated": str(timing.truncated).lower(),
    }
    return [(name.encode(), str(value).encode("latin-1", "replace")) for name, value in values.items()]


def asker_of(headers: MutableMapping[str, str], client: str, settings: ServeSettings) -> Asker:
    """Who asks, and how urgently.

    Raises:
        InputError: `X-Priority` or `X-Timeout-Seconds` is something else.
    """
    priority = headers.get("x-priority", "normal").lower()
    if priority not in SHARES:
        raise InputError("X-Priority is none of " + ", ".join(SHARES), "Choose one, or leave it out.")
    try:
        seconds = float(headers.get("x-timeout-seconds", settings.seconds.answer))
    except ValueError:
        seconds = 0.0
    if not 0 < seconds <= settings.seconds.longest_answer:
        longest = settings.seconds.longest_answer
        raise InputError("X-Timeout-Seconds is no number of seconds", f"Give one above 0 and up to {longest:g}.")
    return Asker(client, priority, seconds)  # type: ignore[arg-type]


def _address(scope: Scope) -> str:
    client = scope.get("client")
    return "" if client is None else str(client[0])
