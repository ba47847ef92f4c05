from __future__ import annotations

import sys
from pathlib import Path

import pytest

from bertkit.config.extras import load_extra
from bertkit.errors import UserError


def test_a_module_of_an_extra() -> None:
    assert load_extra("json.decoder", "onnx").JSONDecoder


def test_a_library_that_is_not_there_names_its_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    for module in ("onnxruntime", "no_such_library"):
        with pytest.raises(UserError, match="is not installed") as found:
            load_extra(module, "onnx")
        assert found.value.remedy == "Install it: pip install 'bertkit[onnx]'."


def test_what_the_library_itself_lacks_is_its_own_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "half_a_library.py").write_text("import no_such_library")
    monkeypatch.syspath_prepend(str(tmp_path))
    with pytest.raises(ModuleNotFoundError, match="no_such_library"):
        load_extra("half_a_library", "onnx")
