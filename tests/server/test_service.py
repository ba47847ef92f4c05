"""Models, limits and the queue, whatever the protocol."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest

import bertkit
from bertkit.errors import ModelNotFound, NotFinite, NotServing, Overloaded, TooLate, UserError
from bertkit.formats.rows import Row
from bertkit.inference.served import Manner
from bertkit.inference.serving import served
from bertkit.server.service import Asker, Service, TokenIds
from bertkit.server.settings import ServeSettings
from bertkit.tokenization.windows import LongText
from tests.server.conftest import Client, Serve


@pytest.fixture
def service(client: Client) -> Service:
    assert client.application.service is not None
    return client.application.service


def test_models_are_found_by_name_or_by_what_they_do(service: Service) -> None:
    assert service.find(None).name == "vectors"
    assert service.find(None, "text-ranking").name == "ranks"
    assert service.find("classes").name == "classes"
    assert service.find("classes", "feature-extraction").task.name == "feature-extraction"
    with pytest.raises(ModelNotFound, match="did you mean 'ranks'"):
        service.find("rank")
    with pytest.raises(UserError, match="does text-ranking, not fill-mask") as refused:
        service.find("ranks", "fill-mask")
    assert refused.value.remedy == "Ask masks."
    with pytest.raises(UserError, match="no model here does multiple-choice"):
        service.find(None, "multiple-choice")


@pytest.mark.parametrize(
    ("truncate", "expected"),
    [("never", LongText.ERROR), ("as-protocol", LongText.TRUNCATE), ("windows", LongText.WINDOW)],
)
def test_what_happens_to_long_texts(serve_models: Serve, truncate: str, expected: LongText) -> None:
    service = serve_models("vectors", truncate=truncate).application.service
    assert service is not None
    assert service.long(LongText.TRUNCATE) == expected
    assert service.long(LongText.TRUNCATE, LongText.WINDOW) == LongText.WINDOW


@pytest.mark.parametrize("cache_bytes", [0, 10_000_000])
def test_equal_texts_are_computed_once_for_each_client(
    models: Mapping[str, bertkit.Model], monkeypatch: pytest.MonkeyPatch, cache_bytes: int
) -> None:
    expected = models["vectors"].encode(["w1 w2"])[0]
    service = Service([served("m", models["vectors"])], ServeSettings(cache_bytes=cache_bytes))
    service.start()
    engine = service.lanes[0].engine
    began, go, compute, lengths = threading.Event(), threading.Event(), engine.compute, []

    def hold(packed: Any) -> Any:
        lengths.extend(packed.batch.lengths)
        began.set()
        assert go.wait(30)
        return compute(packed)

    monkeypatch.setattr(engine, "compute", hold)

    def asked(client: str, text: str, **options: Any) -> Any:
        model = service.find("m")
        rows = [Row({"text": text}, "1")]
        return asyncio.ensure_future(service.answer(model, rows, Manner.of(**options), Asker(client)))

    async def ask_all() -> list[Any]:
        first = asked("ada", "w1 w2")
        await asyncio.to_thread(began.wait, 30)
        more = [asked("ada", "w1 w2"), asked("ada", "w1 w2", normalize=True), asked("charles", "w1 w2")]
        await asyncio.sleep(0)
        go.set()
        answers = [await one for one in (first, *more)]
        return [*answers, await asked("ada", "w1 w2")]

    vectors = [one.answers[0].embedding for one in asyncio.run(ask_all())]
    service.close()
    for place, vector in enumerate(vectors):
        np.testing.assert_allclose(vector, expected / np.linalg.norm(expected) if place == 2 else expected, atol=1e-6)
    assert lengths == ([4, 4] if cache_bytes else [4, 4, 4])
    assert service.shared.counts["in flight"] == 2
    assert service.shared.counts["cache"] == (1 if cache_bytes else 0)


def test_who_waits_for_what_another_asked_waits_no_longer_than_it_said(
    models: Mapping[str, bertkit.Model], monkeypatch: pytest.MonkeyPatch
) -> None:
    service = Service([served("m", models["vectors"])], ServeSettings())
    service.start()
    engine = service.lanes[0].engine
    go, compute = threading.Event(), engine.compute
    monkeypatch.setattr(engine, "compute", lambda packed: go.wait(30) and compute(packed))

    async def ask_both() -> None:
        model, rows = service.find("m"), [Row({"text": "w1 w2"}, "1")]
        first = asyncio.ensure_future(service.answer(model, rows, Manner(), Asker()))
        with pytest.raises(TooLate):
            await service.answer(model, rows, Manner(), Asker(seconds=0.05))
        go.set()
        assert (await first).input_tokens == 4

    asyncio.run(ask_both())
    service.close()


def test_a_model_that_computes_nan_is_not_served(
    models: Mapping[str, bertkit.Model], monkeypatch: pytest.MonkeyPatch
) -> None:
    model = served("broken", models["vectors"])
    monkeypatch.setattr(model.engine, "compute", lambda packed: [(np.full((1, 4), np.nan),)])
    service = Service([model], ServeSettings())
    with pytest.raises(NotFinite, match="model broken: "):
        service.start()
    service.worker.stop()


def test_rows_and_ids_are_answered_in_their_order(service: Service, models: Mapping[str, bertkit.Model]) -> None:
    model = service.find("vectors")
    ids = [model.tokenizer.tokenize([text])[0].ids for text in ("w3 w4", "w5")]
    rows = [TokenIds(ids[0], "1"), Row({"text": "w1 w2"}, "2"), TokenIds(ids[1], "3")]
    answered = asyncio.run(service.answer(model, rows, Manner(), Asker()))
    expected = models["vectors"].encode(["w3 w4", "w1 w2", "w5"])
    got = [one.embedding for one in answered.answers]  # type: ignore[attr-defined]
    np.testing.assert_allclose(np.stack(got), expected, atol=1e-6)
    assert answered.input_tokens == answered.timing.tokens == 4 + 4 + 3


def test_many_at_once_have_their_own_answers(service: Service, models: Mapping[str, bertkit.Model]) -> None:
    texts = [" ".join(f"w{(n * k) % 11}" for k in range(1, n % 17 + 2)) for n in range(120)]
    names = ["vectors", "classes", "names"]

    async def ask_all() -> list[Any]:
        asked = (
            service.answer(service.find(names[n % 3]), [Row({"text": text}, "1")], Manner(), Asker(str(n % 5)))
            for n, text in enumerate(texts)
        )
        return await asyncio.gather(*asked)

    for n, answered in enumerate(asyncio.run(ask_all())):
        expected = models[names[n % 3]].predict(texts[n])
        if n % 3 == 0:
            np.testing.assert_allclose(answered.answers[0].embedding, expected.embedding, atol=1e-5)  # type: ignore[attr-defined]
        elif n % 3 == 1:
            scores = {one.label: one.score for one in answered.answers[0].labels}
            assert scores == pytest.approx({one.label: one.score for one in expected.labels}, abs=1e-5)  # type: ignore[attr-defined]
        else:
            assert [one.text for one in answered.answers[0].entities] == [one.text for one in expected.entities]  # type: ignore[attr-defined]


def test_short_texts_are_not_handed_to_another_thread_and_long_ones_are(service: Service) -> None:
    names = asyncio.run(_threads(service))
    assert names[0] == threading.current_thread().name
    assert names[1].startswith("tokenises")


async def _threads(service: Service) -> list[str]:
    return [await service.run(lambda: threading.current_thread().name, size) for size in (10, 10_000)]


def held(service: Service, monkeypatch: pytest.MonkeyPatch) -> tuple[threading.Event, threading.Event]:
    """Holds what computes: an event that it has begun, and one that lets it go on."""
    began, go = threading.Event(), threading.Event()
    backend = service.lanes[0].engine.backend
    run = backend.run

    def hold(batch: Any) -> Any:
        began.set()
        assert go.wait(30)
        return run(batch)

    monkeypatch.setattr(backend, "run", hold)
    return began, go


def test_a_full_queue_and_a_late_answer_are_told_at_once(serve_models: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    service = serve_models("vectors", queue_tokens=60).application.service
    assert service is not None
    model = service.find("vectors")
    began, go = held(service, monkeypatch)
    rows = [Row({"text": f"w1 w2 w3 w4 w5 w{n}"}, "1") for n in range(3)]

    async def ask() -> None:
        first = asyncio.ensure_future(service.answer(model, rows, Manner(), Asker("a")))
        await asyncio.to_thread(began.wait, 30)
        late = asyncio.ensure_future(service.answer(model, rows, Manner(), Asker("a", seconds=0.5)))
        await asyncio.sleep(0)
        with pytest.raises(Overloaded):
            await service.answer(model, rows, Manner(), Asker("a"))
        with pytest.raises(TooLate):  # while what it waits for is still computed
            await late
        go.set()
        assert len((await first).answers) == 3

    asyncio.run(ask())
    assert service.lanes[0].scheduler.waiting == 0


def test_one_that_ends_answers_what_it_accepted_and_nothing_else(
    serve_models: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    service = serve_models("vectors").application.service
    assert service is not None
    model = service.find("vectors")
    began, go = held(service, monkeypatch)

    async def ask() -> None:
        first = asyncio.ensure_future(service.answer(model, [Row({"text": "w1"}, "1")], Manner(), Asker()))
        await asyncio.to_thread(began.wait, 30)
        service.is_draining = True
        with pytest.raises(NotServing, match="the server ends"):
            await service.answer(model, [Row({"text": "w1"}, "1")], Manner(), Asker())
        go.set()
        assert (await first).answers

    asyncio.run(ask())
