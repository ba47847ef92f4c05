"""One table from errors to statuses, one shape a protocol."""

from __future__ import annotations

import json

import pytest

from bertkit import errors
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
    UserError,
)
from bertkit.server import error_shapes
from bertkit.server.error_shapes import Shapes

ERRORS = [kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, BertkitError)]


@pytest.mark.parametrize(
    ("kind", "status", "word"),
    [
        (EmptyInput, 400, "Empty"),
        (InputError, 422, "Validation"),
        (TextTooLong, 422, "Validation"),
        (RequestTooLarge, 422, "Validation"),
        (NotAllowed, 401, "Unauthorized"),
        (Overloaded, 429, "Overloaded"),
        (NotServing, 503, "Unhealthy"),
        (BertkitError, 424, "Backend"),
    ],
)
def test_those_of_text_embeddings_inference(kind: type[BertkitError], status: int, word: str) -> None:
    got = error_shapes.tei(kind("it broke", "Mend it."))
    assert got == (status, {"error": "it broke. Mend it.", "error_type": word})


@pytest.mark.parametrize(
    ("kind", "status", "kind_word", "param", "code"),
    [
        (TextTooLong, 400, "invalid_request_error", "input", "context_length_exceeded"),
        (InputError, 400, "invalid_request_error", "input", None),
        (ModelNotFound, 404, "invalid_request_error", "model", None),
        (NotAllowed, 401, "invalid_request_error", None, "invalid_api_key"),
        (Overloaded, 429, "rate_limit_error", None, "rate_limit_exceeded"),
        (NotServing, 503, "server_error", None, None),
    ],
)
def test_those_of_openai(
    kind: type[BertkitError], status: int, kind_word: str, param: str | None, code: str | None
) -> None:
    got = error_shapes.openai(kind("it broke", "Mend it."))
    body = {"message": "it broke. Mend it.", "type": kind_word, "param": param, "code": code}
    assert got == (status, {"error": body})


@pytest.mark.parametrize("kind", ERRORS, ids=lambda kind: kind.__name__)
@pytest.mark.parametrize("shape", [error_shapes.native, error_shapes.tei, error_shapes.openai, error_shapes.cohere])
def test_no_remedy_is_an_option_of_the_command_line(kind: type[BertkitError], shape: error_shapes.Shape) -> None:
    met_by_clients = (
        UserError,
        InputError,
        EmptyInput,
        TextTooLong,
        RequestTooLarge,
        NotAllowed,
        Overloaded,
        NotServing,
    )
    if kind in met_by_clients or kind is BertkitError:
        assert "--" not in json.dumps(shape(kind("it broke"))[1])


def test_the_path_says_which_shape_and_headers_say_when_to_ask_again() -> None:
    shapes = Shapes({"/embed": error_shapes.tei, "/v2/": error_shapes.one_line, "/": error_shapes.tei})
    assert b"error_type" in shapes.response("/embed", UserError("x")).body
    assert b"error_type" in shapes.response("/", UserError("x")).body
    assert b'"error":"x' in shapes.response("/v2/models/a/infer", UserError("x")).body
    assert b'"type":"UserError"' in shapes.response("/elsewhere", UserError("x")).body
    response = shapes.response("/embed", Overloaded("x", retry_after_seconds=7))
    assert (response.status_code, response.headers["retry-after"]) == (429, "7")
    assert shapes.response("/embed", NotAllowed("x")).headers["www-authenticate"] == "Bearer"
    for page in ("/", "/plan", "/plan/"):
        assert shapes.response(page, NotAllowed("x")).headers["www-authenticate"].startswith("Basic ")
