from __future__ import annotations

import json
import sys
from collections.abc import Callable
from types import ModuleType, SimpleNamespace
from typing import get_args

import pytest

import bertkit.workflows
from bertkit.cli.export import FORMATS
from bertkit.config.exporting import ExportConfig, Format

Run = Callable[..., tuple[int, str, str]]
RECORD = {"output": "out", "task": "fill-mask", "files": {"onnx/model.onnx": 1234}}


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[ExportConfig]:
    seen: list[ExportConfig] = []

    def export(config: ExportConfig, observer: object) -> SimpleNamespace:
        seen.append(config)
        return SimpleNamespace(record=lambda: RECORD)

    module = ModuleType("export")
    module.__dict__.update(export=export)
    monkeypatch.setattr(bertkit.workflows, "export", module, raising=False)
    monkeypatch.setitem(sys.modules, "bertkit.workflows.export", module)
    return seen


def test_the_formats_are_those_of_the_configuration() -> None:
    assert get_args(Format) == FORMATS


def test_what_is_asked_for(run: Run, asked: list[ExportConfig]) -> None:
    how = "--to", "onnx", "--to", "onnx-int8", "-o", "out", "--task", "fill-mask", "--json"
    code, out, _ = run("export", "some/model", *how)
    assert (code, json.loads(out)) == (0, RECORD)
    assert asked == [ExportConfig(model="some/model", output="out", to=["onnx", "onnx-int8"], task="fill-mask")]


def test_as_text(run: Run, asked: list[ExportConfig]) -> None:
    assert run("export", "--to", "onnx", "-o", "out")[:2] == (
        0,
        "output  out\ntask    fill-mask\nfiles\n  onnx/model.onnx  1,234\n",
    )
    assert asked[0].model is None


def test_an_unknown_format_names_the_nearest(run: Run) -> None:
    code, _, err = run("export", "m", "--to", "onx", "-o", "out")
    assert code == 2
    assert "unknown format 'onx' (did you mean 'onnx'?)" in err
