"""One model, many threads: whatever one of them does with it, the others have the answers that they have alone."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import bertkit
from bertkit.batching.token_batch import TokenBatch
from bertkit.inference.explain import Explainer
from tests.parity.task_peers import make_task_peer

TEXTS = ["paris is w1 a citys w2, w3", "w5 w6", "w1 w2 w3 w4 w5 w6 w7"]
TIMES = 12


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> bertkit.Model:
    folder = tmp_path_factory.mktemp("classifier")
    make_task_peer("text-classification", folder)
    return bertkit.load(folder, task="text-classification", explainable=True)


@pytest.fixture(autouse=True)
def _threads_take_turns_often() -> Iterator[None]:
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    yield
    sys.setswitchinterval(before)


def predicted(model: bertkit.Model) -> list[float]:
    return [label["score"] for result in model.predict(TEXTS) for label in result.record()["labels"]]  # type: ignore[attr-defined]


def streamed(model: bertkit.Model) -> list[float]:
    records: Any = [result.record() for result in model.stream(iter(TEXTS), on_error="record")]
    return [label["score"] for record in records for label in record["labels"]]


def encoded(model: bertkit.Model) -> list[float]:
    with torch.inference_mode():
        hidden_TW = model.encoder(TokenBatch.pack([[2, 5, 3], [2, 7, 9, 3]], [[0] * 3, [0] * 4]))
    return hidden_TW.flatten().tolist()  # type: ignore[no-any-return]


def explained(kind: str) -> Callable[[bertkit.Model], list[float]]:
    def values(model: bertkit.Model) -> list[float]:
        records: Any = [one.record()["explanation"] for one in Explainer(model, kind, steps=2).explain(TEXTS)]
        return [
            float(value) for record in records for value in np.ravel(record.get("scores", record.get("importance")))
        ]

    return values


WAYS = [predicted, streamed, encoded, explained("attribution"), explained("rollout"), explained("heads")]


def test_all_ways_to_use_a_model_at_once(model: bertkit.Model) -> None:
    ways = [*WAYS, *WAYS]  # each also beside itself
    alone = [way(model) for way in ways]
    with ThreadPoolExecutor(len(ways)) as pool:
        runs = [pool.submit(lambda way=way: [way(model) for _ in range(TIMES)]) for way in ways]  # type: ignore[misc]
    for run, expected in zip(runs, alone, strict=True):
        for found in run.result():
            np.testing.assert_allclose(found, expected, atol=1e-5)


def test_saving_beside_answering(model: bertkit.Model, tmp_path: Path) -> None:
    expected = predicted(model)
    with ThreadPoolExecutor(3) as pool:
        saved = [pool.submit(model.save, tmp_path / name) for name in ("one", "two")]
        answers = [pool.submit(predicted, model) for _ in range(TIMES)]
    for one in saved:
        one.result()
    for answer in answers:
        np.testing.assert_allclose(answer.result(), expected, atol=1e-6)
    np.testing.assert_allclose(predicted(bertkit.load(tmp_path / "two", dtype="float32")), expected, atol=1e-5)


def test_loading_beside_answering(model: bertkit.Model) -> None:
    expected = predicted(model)
    with ThreadPoolExecutor(4) as pool:
        loaded = [
            pool.submit(bertkit.load, model.source, task="text-classification", dtype="float32") for _ in range(3)
        ]
        answers = [pool.submit(predicted, model) for _ in range(TIMES)]
    for one in loaded:
        np.testing.assert_allclose(predicted(one.result()), expected, atol=1e-5)
    for answer in answers:
        np.testing.assert_allclose(answer.result(), expected, atol=1e-6)


def test_nothing_of_the_process_or_of_the_model_is_changed(model: bertkit.Model, tmp_path: Path) -> None:
    def state() -> list[object]:
        modules = [*model.encoder.modules(), *model.head.modules()] if model.head else []
        return [
            torch.get_num_threads(),
            torch.initial_seed(),
            torch.get_rng_state().tolist(),
            torch.get_default_dtype(),
            torch.is_grad_enabled(),
            [str(one) for one in warnings.filters],
            [(one.training, len(one._forward_hooks), len(one._forward_pre_hooks)) for one in modules],
            [(one.requires_grad, one.grad, one.stride(), one.data_ptr()) for one in model.encoder.parameters()],
        ]

    before = state()
    for way in WAYS:
        way(model)
    model.save(tmp_path / "copy")
    assert state() == before
