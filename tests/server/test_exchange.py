"""JSON that is read strictly, whatever the client calls it."""

from __future__ import annotations

import pytest
from fastapi.exceptions import RequestValidationError

from bertkit.server.exchange import explained, rows_of
from tests.server.conftest import Client


@pytest.mark.parametrize("kind", ["", "application/x-www-form-urlencoded", "text/plain", "application/json", "x"])
def test_a_body_is_json_whatever_it_is_called(client: Client, kind: str) -> None:
    got = client.post("/v1/predict", {"model": "vectors", "rows": ["w1"]}, content_type=kind)
    assert got.status == 200


def test_problems_are_told_by_place_without_what_was_sent() -> None:
    problems = [
        {"type": "string_type", "loc": ("body", "rows", n), "msg": "Input should be a valid string", "input": "secret"}
        for n in range(5)
    ]
    error = explained(RequestValidationError(problems))
    assert str(error).startswith("rows.0: Input should be a valid string; rows.1: ")
    assert str(error).endswith("(and 2 more)")
    assert "secret" not in str(error)
    assert "not JSON" in str(
        explained(RequestValidationError([{"type": "json_invalid", "loc": ("body",), "msg": "x"}]))
    )


def test_rows_say_which_input_they_are() -> None:
    rows = rows_of(["a", "b"], "text", query="q")
    assert [(row.place, dict(row.fields)) for row in rows] == [
        ("input 1", {"text": "a", "query": "q"}),
        ("input 2", {"text": "b", "query": "q"}),
    ]
