"""What an error looks like to a client: one table from its class to a status, and one shape a protocol."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import orjson
from starlette.responses import Response

from bertkit.errors import (
    BertkitError,
    EmptyInput,
    InputError,
    ModelNotFound,
    NotAllowed,
    NotServing,
    Overloaded,
    RequestTooLarge,
    TextTooLong,
    TooLate,
    UserError,
)

Shape = Callable[[BertkitError], tuple[int, object]]

PAGES = ("/", "/plan", "/plan/")
# What the command line says to do is not what a client can do.
REMEDIES: Mapping[type[BertkitError], str] = {
    TextTooLong: 'Shorten it, or ask for it: "long": "window" reads all of it, "truncate" drops what is too much.',
    InputError: 'Correct the row; with "on_error": "record" its error stands in its place.',
    UserError: "Correct the request; /openapi.json has an example of each.",
    BertkitError: "Ask again; the server's log says where it failed.",
}


def remedy(error: BertkitError) -> str:
    """What a client is to do about an error."""
    kind = type(error)
    if error.remedy != kind.default_remedy:
        return error.remedy
    return REMEDIES.get(kind, error.remedy)


def record(error: BertkitError) -> dict[str, object]:
    """What stands in the place of an answer, as the command line has it."""
    return {"error": {"type": type(error).__name__, "message": error.what, "remedy": remedy(error)}}


def native(error: BertkitError) -> tuple[int, object]:
    """Status and body of bertkit's own routes."""
    return error.http_status, record(error)


def message(error: BertkitError) -> str:
    """What and what to do, for protocols that have one line for both."""
    return f"{error.what}. {remedy(error)}"


def openai(error: BertkitError) -> tuple[int, object]:
    """OpenAI's: nested, with a code that its client shows."""
    code = next((word for kind, word in OPENAI_CODES.items() if isinstance(error, kind)), None)
    status = 400 if isinstance(error, TextTooLong) else error.http_status
    kind = "invalid_request_error" if status < 500 and status != 429 else OPENAI_TYPES.get(status, "server_error")
    param = "model" if status == 404 else "input" if isinstance(error, InputError) else None
    return status, {"error": {"message": message(error), "type": kind, "param": param, "code": code}}


OPENAI_CODES: Mapping[type[BertkitError], str] = {
    TextTooLong: "context_length_exceeded",
    NotAllowed: "invalid_api_key",
    Overloaded: "rate_limit_exceeded",
    RequestTooLarge: "request_too_large",
}
OPENAI_TYPES = {429: "rate_limit_error"}


def tei(error: BertkitError) -> tuple[int, object]:
    """text-embeddings-inference's."""
    for kinds, (status, word) in TEI_TYPES.items():
        if isinstance(error, kinds):
            return status, {"error": message(error), "error_type": word}
    return 424, {"error": message(error), "error_type": "Backend"}


TEI_TYPES: Mapping[tuple[type[BertkitError], ...], tuple[int, str]] = {
    (EmptyInput,): (400, "Empty"),
    (NotAllowed,): (401, "Unauthorized"),
    (ModelNotFound,): (404, "Validation"),
    (Overloaded,): (429, "Overloaded"),
    (NotServing,): (503, "Unhealthy"),
    (TooLate,): (424, "Backend"),
    (UserError,): (422, "Validation"),
}


def one_line(error: BertkitError) -> tuple[int, object]:
    """Ollama's, and the Open Inference Protocol's."""
    return error.http_status, {"error": message(error)}


def cohere(error: BertkitError) -> tuple[int, object]:
    """Cohere's."""
    return 400 if isinstance(error, TextTooLong) else error.http_status, {"message": message(error)}


@dataclass(frozen=True, slots=True)
class Shapes:
    """Which routes have which shape of error: the longest beginning of a path decides."""

    by_path: Mapping[str, Shape]

    def response(self, path: str, error: BertkitError) -> Response:
        """The response that says what is wrong."""
        exact = self.by_path.get(path)
        parents = (place for place in self.by_path if place.endswith("/") and len(place) > 1 and path.startswith(place))
        shape = exact or self.by_path.get(max(parents, key=len, default=""), native)
        status, body = shape(error)
        headers = {}
        if isinstance(error, Overloaded):
            headers["retry-after"] = str(error.retry_after_seconds)
        if isinstance(error, NotServing):
            headers["retry-after"] = "1"
        if isinstance(error, NotAllowed):
            # Of its own pages a browser asks for the key, as a password.
            headers["www-authenticate"] = 'Basic realm="key, as the password"' if path in PAGES else "Bearer"
        return Response(orjson.dumps(body), status, headers, "application/json")
