from __future__ import annotations

import json
import sys
from collections.abc import Callable
from types import ModuleType, SimpleNamespace

import pytest

import bertkit.workflows
from bertkit.config.comparing import CompareConfig

Run = Callable[..., tuple[int, str, str]]
FOUND = SimpleNamespace(
    record=lambda: {"parts_at": "layer 1", "verdict": "they part at layer 1"},
    layers=[SimpleNamespace(name="embeddings", difference=0.0), SimpleNamespace(name="layer 1", difference=0.25)],
    settings=[("pooling", "mean", "cls")],
    task="fill-mask",
    texts=8,
    verdict="they part at layer 1",
)


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[CompareConfig]:
    seen: list[CompareConfig] = []

    def compare(config: CompareConfig) -> SimpleNamespace:
        seen.append(config)
        return FOUND

    module = ModuleType("compare")
    module.__dict__.update(compare=compare)
    monkeypatch.setattr(bertkit.workflows, "compare", module, raising=False)
    monkeypatch.setitem(sys.modules, "bertkit.workflows.compare", module)
    return seen


def test_as_json(run: Run, asked: list[CompareConfig]) -> None:
    how = "--data", "rows.csv", "--format", "csv", "--task", "fill-mask", "--json"
    code, out, _ = run("compare", "a", "b", *how)
    assert (code, json.loads(out)) == (0, FOUND.record())
    assert asked == [CompareConfig(a="a", b="b", data="rows.csv", format="csv", task="fill-mask")]


def test_as_text(run: Run, asked: list[CompareConfig]) -> None:
    assert run("compare", "a", "b")[:2] == (
        0,
        "embeddings: the same\nlayer 1: differs by 2.5e-01\npooling: A mean, B cls\n"
        "fill-mask, 8 inputs: they part at layer 1\n",
    )
