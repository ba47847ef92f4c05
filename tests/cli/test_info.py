from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from bertkit.cli.info import described
from bertkit.errors import ModelNotFound

Run = Callable[..., tuple[int, str, str]]

RECORD: dict[str, Any] = {
    "family": "bert",
    "parameters": 109_482_240,
    "heads": ["fill-mask", "next-sentence-prediction"],
    "unused_tensors": [],
    "tokenizer": {"kind": "WordPiece", "vocabulary": 30_522, "lowercase": True},
    "sha256": None,
}


def module(name: str, **members: object) -> ModuleType:
    made = ModuleType(name)
    made.__dict__.update(members)
    return made


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[object]:
    """What the packages below were asked for; they answer with RECORD."""
    seen: list[object] = []

    def locate(model: str, *, revision: str | None = None) -> Path:
        if model == "missing":
            raise ModelNotFound("missing: no such model")
        seen.append((model, revision))
        return Path(model)

    def describe(folder: Path) -> SimpleNamespace:
        seen.append(folder)
        return SimpleNamespace(record=lambda: RECORD)

    fakes = {
        "bertkit.checkpoints.hub": {"locate": locate},
        "bertkit.checkpoints.embedded": {"embedded_folder": lambda: Path("embedded")},
        "bertkit.pretrained.describe": {"describe": describe},
        "bertkit.families.catalogue": {
            "FAMILIES": {
                "bert": SimpleNamespace(name="bert", changes="none"),
                "x": SimpleNamespace(name="x", changes="y"),
            }
        },
    }
    for name, members in fakes.items():
        monkeypatch.setitem(sys.modules, name, module(name, **members))
    return seen


def test_a_checkpoint_as_json(run: Run, asked: list[object]) -> None:
    code, out, _ = run("info", "some/model", "--revision", "v1", "--json")
    assert code == 0
    assert json.loads(out) == RECORD
    assert asked == [("some/model", "v1"), Path("some/model")]


def test_a_checkpoint_as_text(run: Run, asked: list[object]) -> None:
    assert run("info", "folder") == (
        0,
        "family          bert\n"
        "parameters      109,482,240\n"
        "heads           fill-mask, next-sentence-prediction\n"
        "unused tensors  none\n"
        "tokenizer\n"
        "  kind        WordPiece\n"
        "  vocabulary  30,522\n"
        "  lowercase   yes\n"
        "sha256          none\n",
        "",
    )


def test_without_a_model_it_is_the_embedded_one(run: Run, asked: list[object]) -> None:
    assert run("info")[0] == 0
    assert asked == [Path("embedded")]


def test_families(run: Run, asked: list[object]) -> None:
    assert run("info", "--families") == (0, "families\n  bert  none\n  x     y\n", "")
    assert run("info", "--families", "--json") == (0, '{"families": {"bert": "none", "x": "y"}}\n', "")
    assert asked == []


def test_families_and_a_model_are_wrong_use(run: Run, asked: list[object]) -> None:
    code, _, err = run("info", "x", "--families")
    assert (code, err.splitlines()[0]) == (2, "error: MODEL and --families are both given")


def test_a_model_that_is_not_there(run: Run, asked: list[object]) -> None:
    code, out, err = run("info", "missing")
    assert (code, out, err.splitlines()[0]) == (2, "", "error: missing: no such model")


def test_an_empty_record_has_no_lines() -> None:
    assert described({}) == []
    assert described({"a": {}, "b": False}) == ["a  none", "b  no"]
