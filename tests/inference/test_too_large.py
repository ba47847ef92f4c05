"""A batch that does not fit is an error with the planner's answer, whichever library words it."""

from __future__ import annotations

import pytest
import torch

import bertkit
from bertkit.config.wording import in_python
from bertkit.errors import OutOfMemory
from bertkit.inference import too_large
from bertkit.inference.torch_backend import TorchBackend
from bertkit.model.network import Network
from tests.parity.task_peers import make_task_peer

TEXTS = ["paris is w1 a citys w2, w3"] * 20


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> bertkit.Model:
    folder = tmp_path_factory.mktemp("classifier")
    make_task_peer("text-classification", folder)
    return bertkit.load(folder, task="text-classification")


def fails(model: bertkit.Model, monkeypatch: pytest.MonkeyPatch, error: Exception) -> OutOfMemory:
    def forward(*_: object) -> None:
        raise error

    monkeypatch.setattr(Network, "forward", forward)
    with pytest.raises(OutOfMemory) as raised:
        model.predict(TEXTS)
    assert raised.value.__context__ is None  # nothing keeps the failed pass
    return raised.value


@pytest.mark.parametrize(
    "error",
    [
        torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB."),
        RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 9 bytes."),
        MemoryError(),
    ],
    ids=lambda error: type(error).__name__,
)
def test_it_says_what_would_fit(model: bertkit.Model, monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
    monkeypatch.setattr(too_large, "free_host_bytes", lambda: 200_000_000)
    raised = fails(model, monkeypatch, error)
    assert raised.what.startswith("20 texts of ")
    assert raised.what.endswith(" tokens do not fit into memory at once")
    assert raised.remedy.startswith("200 MB are free, which is room for batch_tokens=")


def test_free_memory_that_nobody_knows(model: bertkit.Model, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(too_large, "free_host_bytes", lambda: None)
    assert fails(model, monkeypatch, MemoryError()).remedy == in_python(OutOfMemory.default_remedy)


def test_other_errors_pass(model: bertkit.Model, monkeypatch: pytest.MonkeyPatch) -> None:
    def forward(*_: object) -> None:
        raise RuntimeError("shapes cannot be multiplied")

    monkeypatch.setattr(Network, "forward", forward)
    with pytest.raises(RuntimeError, match="shapes"):
        model.predict(TEXTS)


def test_a_precision_that_the_planner_does_not_know(model: bertkit.Model) -> None:
    backend = model.answerer.engine.backend
    assert isinstance(backend, TorchBackend)
    error = too_large.batch_too_large(backend.network, "int3", [7])
    assert error.what == "a text of 7 tokens does not fit into memory at once"
    assert error.remedy == OutOfMemory.default_remedy
