from __future__ import annotations

from pathlib import Path

import pytest

import bertkit
from bertkit.api import exporting
from bertkit.config.exporting import ExportConfig
from bertkit.errors import UserError


def test_what_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[ExportConfig] = []
    monkeypatch.setattr(exporting, "export_job", lambda config, observer: seen.append(config))
    bertkit.export("m", Path("out"), "onnx", progress=False)
    bertkit.export(None, "out", ("onnx", "onnx-int8"), task="fill-mask")
    assert seen == [
        ExportConfig(model="m", output="out", to=["onnx"]),
        ExportConfig(output="out", to=["onnx", "onnx-int8"], task="fill-mask"),
    ]


def test_arguments_that_there_are_not() -> None:
    with pytest.raises(UserError, match=r"export\(\): no option 'tasks' \(did you mean 'task'\?\)"):
        bertkit.export("m", "out", "onnx", tasks="fill-mask")
    with pytest.raises(UserError, match=r"export\(\): 'to"):
        bertkit.export("m", "out", "onx")
