"""Models are exchanged while they answer: no request is lost, and none is answered by half of each."""

from __future__ import annotations

import asyncio
import gc
import threading
import weakref
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pytest

import bertkit
from bertkit.errors import BadCheckpoint, BertkitError, NotFinite, NotServing
from bertkit.formats.rows import Row
from bertkit.inference.served import Manner
from bertkit.inference.serving import load_served, served
from bertkit.server.app import Application
from bertkit.server.exchanging import Exchanger
from bertkit.server.service import Asker, Service
from bertkit.server.settings import ServeSettings

Make = Callable[[], Service]


@pytest.fixture
def application() -> Application:
    return Application(ServeSettings())


def maker(application: Application, model: bertkit.Model, name: str = "m") -> Make:
    def make() -> Service:
        service = Service([served(name, model)], application.settings)
        service.start()
        return service

    return make


async def ask(service: Service, text: str = "w1 w2") -> Any:
    with service.in_use():
        model = service.find(None)
        return await service.answer(model, [Row({"text": text}, "1")], Manner(), Asker())


def test_requests_keep_the_models_that_they_began_with(
    application: Application, models: Mapping[str, bertkit.Model], monkeypatch: pytest.MonkeyPatch
) -> None:
    old, new = maker(application, models["vectors"])(), maker(application, models["classes"], "n")
    application.serve(old)
    engine = old.lanes[0].engine
    began, go, compute = threading.Event(), threading.Event(), engine.compute

    def hold(packed: Any) -> Any:
        began.set()
        assert go.wait(30)
        return compute(packed)

    monkeypatch.setattr(engine, "compute", hold)

    async def exchange() -> None:
        exchanger = Exchanger(application, new)
        asked = [asyncio.ensure_future(ask(old, f"w{n}")) for n in range(5)]
        assert await asyncio.to_thread(began.wait, 30)
        assert await exchanger.exchange() == ["n"]
        assert application.service is not None
        assert (await ask(application.service)).model.name == "n"
        assert not any(one.done() for one in asked)
        assert old.worker.is_alive
        go.set()
        vectors = [(await one).answers[0].embedding for one in asked]
        np.testing.assert_allclose(vectors, models["vectors"].encode([f"w{n}" for n in range(5)]), atol=1e-6)
        await exchanger.settle()
        assert not old.worker.is_alive
        application.service.close()

    asyncio.run(exchange())
    assert "bertkit_reloads_total" in application.metrics.text().decode()


@pytest.mark.parametrize("error", [BadCheckpoint("half of it is missing"), OSError("secret"), NotFinite("it is NaN")])
def test_what_cannot_be_loaded_leaves_all_as_it_was(
    application: Application, models: Mapping[str, bertkit.Model], error: Exception, caplog: pytest.LogCaptureFixture
) -> None:
    service = maker(application, models["vectors"])()
    application.serve(service)

    def make() -> Service:
        raise error

    async def exchange() -> None:
        with pytest.raises(BertkitError, match=str(error) if isinstance(error, BertkitError) else "cannot be loaded"):
            await Exchanger(application, make).exchange()
        assert application.service is service
        assert (await ask(service)).model.name == "m"

    asyncio.run(exchange())
    service.close()
    assert '"reload": "failed"' in caplog.text
    assert "secret" not in caplog.text


def test_none_is_exchanged_while_the_server_starts_or_ends(
    application: Application, models: Mapping[str, bertkit.Model]
) -> None:
    make = maker(application, models["vectors"])
    made: list[Service] = []

    def ends_meanwhile() -> Service:
        assert application.service is not None
        application.service.is_draining = True
        made.append(make())
        return made[0]

    async def exchange() -> None:
        with pytest.raises(NotServing):
            await Exchanger(application, make).exchange()
        application.serve(make())
        with pytest.raises(NotServing):
            await Exchanger(application, ends_meanwhile).exchange()
        with pytest.raises(NotServing):
            await Exchanger(application, make).exchange()

    asyncio.run(exchange())
    assert not made[0].worker.is_alive
    assert application.service is not None
    application.service.close()


def test_models_that_were_replaced_leave_memory(application: Application, folders: Mapping[str, Any]) -> None:
    def make() -> Service:
        service = Service([load_served("m", folders["vectors"], "sentence-embedding")], application.settings)
        service.start()
        return service

    application.serve(make())
    assert application.service is not None
    gone = weakref.ref(application.service.find("m").engine.backend)

    async def exchange() -> None:
        exchanger = Exchanger(application, make)
        assert application.service is not None
        await ask(application.service)
        await exchanger.exchange()
        await exchanger.settle()

    asyncio.run(exchange())
    gc.collect()
    assert gone() is None
    application.service.close()
