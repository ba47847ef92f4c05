from __future__ import annotations

import base64
from array import array

import pytest

from bertkit.benchmarking.server_routes import ROUTES
from bertkit.errors import InputError


def test_bertkits_own_takes_any_row() -> None:
    route = ROUTES["predict"]
    assert route.body({"question": "a", "context": "b"}, "m") == {
        "rows": [{"question": "a", "context": "b"}],
        "model": "m",
    }
    assert route.body({"text": "a"}, None) == {"rows": [{"text": "a"}]}
    assert route.record({"records": [{"value": 1}]}) == {"value": 1}


def test_openais_takes_texts_and_gives_bytes() -> None:
    route = ROUTES["openai"]
    assert route.body({"text": "a"}, "m") == {"input": "a", "model": "m", "encoding_format": "base64"}
    encoded = base64.b64encode(array("f", [0.5, 2.0]).tobytes()).decode()
    assert route.record({"data": [{"embedding": encoded}]}) == {"embedding": [0.5, 2.0]}
    assert route.record({"data": [{"embedding": [0.5, 2.0]}]}) == {"embedding": [0.5, 2.0]}
    with pytest.raises(InputError, match="without a text"):
        route.body({"question": "a"}, None)
