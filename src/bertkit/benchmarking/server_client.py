"""Sends rows to a server by one of its routes, and has what comes back checked."""

from __future__ import annotations

import ssl
from collections.abc import Sequence
from types import TracebackType
from typing import Self

import httpx2

from bertkit.benchmarking.answer_check import AnswerCheck
from bertkit.benchmarking.open_loop import LOST, Reply
from bertkit.benchmarking.server_routes import ROUTES, Fields
from bertkit.errors import UserError

CONNECTIONS = 512  # at once; a request that waits for one is counted from when it was due
SHOWN_CHARACTERS = 200  # of an answer that is an error


class ServerClient:
    """A server, asked for rows by their numbers; those go round.

    Args:
        url: where the server is, such as `http://localhost:8000`.
        route: one of `ROUTES`.
        model: the name of the model that is meant; None leaves it to the server.
        key: that the server asks for.
        check: what answers are compared with, row for row.
        transport: what requests go through; the network when left out.

    Raises:
        InputError: a row is none that the route takes.
    """

    def __init__(
        self,
        url: str,
        route: str,
        rows: Sequence[Fields],
        model: str | None = None,
        key: str | None = None,
        check: AnswerCheck | None = None,
        transport: httpx2.AsyncBaseTransport | None = None,
    ) -> None:
        self._route = ROUTES[route]
        self._bodies = [self._route.body(row, model) for row in rows]
        self._check = check
        self._url = url if "://" in url else f"http://{url}"
        self._client = httpx2.AsyncClient(
            base_url=self._url.rstrip("/"),
            headers={} if key is None else {"authorization": f"Bearer {key}"},
            timeout=None,
            limits=httpx2.Limits(max_connections=CONNECTIONS, max_keepalive_connections=CONNECTIONS),
            verify=ssl.create_default_context(),
            transport=transport,
            trust_env=False,  # a proxy would be what is measured
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._client.aclose()

    async def ask(self, number: int) -> Reply:
        """The request of a number."""
        row = number % len(self._bodies)
        try:
            response = await self._client.post(self._route.path, json=self._bodies[row])
        except httpx2.HTTPError:
            return Reply(LOST)
        if response.status_code != 200 or self._check is None:
            return Reply(str(response.status_code))
        try:
            return Reply("200", self._check.verdict(row, self._route.record(response.json())))
        except (ValueError, LookupError, TypeError):  # it is no answer of this protocol
            return Reply("200", "wrong")

    async def try_once(self) -> None:
        """One request before all others, so that a mistake is told once and not a thousand times.

        Raises:
            UserError: nobody answers there, or not as the route does.
        """
        try:
            response = await self._client.post(self._route.path, json=self._bodies[0], timeout=60.0)
        except httpx2.HTTPError as error:
            words = str(error) or type(error).__name__
            raise UserError(f"{self._url}: no answer: {words}", "Start a server there: bertkit serve.") from None
        if response.status_code != 200:
            said = " ".join(response.text.split())[:SHOWN_CHARACTERS]
            remedy = "Name a --model, a --route and an --input that the server has; with keys, --api-key."
            raise UserError(f"{self._url}{self._route.path}: {response.status_code}: {said}", remedy)
