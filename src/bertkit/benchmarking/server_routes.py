"""The routes that a server can be asked by: what is sent for a row, and where its answer stands in what comes back."""

from __future__ import annotations

import base64
from array import array
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from bertkit.errors import InputError

Fields = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class ServerRoute:
    """A protocol, as much of it as one row needs.

    Attributes:
        path: that is asked, below the server's address.
        body: of a row's fields, and the name of the model, if one was given.
        record: the part of a record that an answer has.
    """

    path: str
    body: Callable[[Fields, str | None], dict[str, Any]]
    record: Callable[[Any], Fields]


def _native_body(row: Fields, model: str | None) -> dict[str, Any]:
    return {"rows": [dict(row)]} | ({} if model is None else {"model": model})


def _native_record(answer: Any) -> Fields:
    record: Fields = answer["records"][0]
    return record


def _openai_body(row: Fields, model: str | None) -> dict[str, Any]:
    if not isinstance(row.get("text"), str):
        raise InputError("a row without a text", "OpenAI's route takes texts; use --route predict for other rows.")
    # As its own client asks where it is not told otherwise.
    return {"input": row["text"], "model": model or "", "encoding_format": "base64"}


def _openai_record(answer: Any) -> Fields:
    vector = answer["data"][0]["embedding"]
    return {"embedding": list(array("f", base64.b64decode(vector))) if isinstance(vector, str) else vector}


ROUTES: Mapping[str, ServerRoute] = {
    "predict": ServerRoute("/v1/predict", _native_body, _native_record),
    "openai": ServerRoute("/v1/embeddings", _openai_body, _openai_record),
}
