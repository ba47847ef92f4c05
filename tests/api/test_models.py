from __future__ import annotations

from pathlib import Path

import pytest

import bertkit
from bertkit.api.models import loaded_model
from bertkit.errors import UserError
from tests.parity.task_peers import make_task_peer


def test_a_name_is_to_be_loaded_and_a_model_is_there(tmp_path: Path) -> None:
    assert loaded_model(None, {}) is loaded_model("name", {"dtype": "float32"}) is loaded_model(tmp_path, {}) is None
    make_task_peer("text-classification", tmp_path)
    model = bertkit.load(tmp_path)
    assert loaded_model(model, {"dtype": None, "task": "x"}) is model
    with pytest.raises(UserError, match="long of a model that is loaded already") as raised:
        loaded_model(model, {"long": "window"})
    assert "bertkit.load(long=…)" in raised.value.remedy
    with pytest.raises(UserError, match="model is of type int"):
        loaded_model(3, {})  # type: ignore[arg-type]
