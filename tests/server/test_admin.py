from __future__ import annotations

import asyncio

import pytest

from bertkit.errors import BadCheckpoint
from bertkit.server.access import key_hash
from tests.server.conftest import Serve

RELOAD = "/v1/admin/reload"


def test_only_a_key_of_its_own_may_have_the_models_loaded_again(serve_models: Serve) -> None:
    keys, admins = ((("ada", key_hash("a")),), (("root", key_hash("r")),))
    client = serve_models("vectors", key_hashes=keys, admin_hashes=admins)
    asked: list[str] = []

    async def reload() -> list[str]:
        asked.append("again")
        await asyncio.sleep(0)
        return ["vectors"]

    client.application.reload = reload
    assert [client.post(RELOAD, authorization=f"Bearer {key}").status for key in ("", "a", "x")] == [401] * 3
    assert asked == []
    done = client.post(RELOAD, authorization="Bearer r")
    assert (done.status, done.body) == (200, {"status": "reloaded", "models": ["vectors"]})
    assert client.get("/v1/models", authorization="Bearer r").status == 401


def test_without_such_a_key_nobody_may(serve_models: Serve) -> None:
    refused = serve_models("vectors").post(RELOAD)
    assert refused.status == 401
    assert "--admin-key-file" in refused.body["error"]["remedy"]


@pytest.mark.parametrize("error", [BadCheckpoint("model vectors: half of it is missing"), None])
def test_what_cannot_be_loaded_is_told(serve_models: Serve, error: BadCheckpoint | None) -> None:
    client = serve_models("vectors", admin_hashes=(("root", key_hash("r")),))

    async def reload() -> list[str]:
        assert error is not None
        raise error

    client.application.reload = reload if error else None
    refused = client.post(RELOAD, authorization="Bearer r")
    words = "half of it is missing" if error else "nothing to load models from"
    assert (refused.status, words in refused.body["error"]["message"]) == (500 if error else 400, True)
