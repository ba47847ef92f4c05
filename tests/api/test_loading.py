from __future__ import annotations

from pathlib import Path

import pytest

import bertkit
from bertkit.errors import DeviceError, TextTooLong
from bertkit.inference import model
from tests.parity.task_peers import make_task_peer


def test_errors_name_arguments_and_those_of_the_command_line_options(tmp_path: Path) -> None:
    make_task_peer("text-classification", tmp_path)
    for load, says in ((bertkit.load, "dtype='auto'"), (model.load, "--dtype auto")):
        with pytest.raises(DeviceError) as raised:
            load(tmp_path, dtype="bfloat16", explainable=True)
        assert says in raised.value.remedy
    loaded = bertkit.load(tmp_path)
    for call in (loaded.predict, loaded.predict_proba):
        with pytest.raises(TextTooLong) as too_long:
            call("w1 " * 600)
        assert "long='window'" in too_long.value.remedy
    with pytest.raises(TextTooLong) as too_long:
        list(loaded.stream("w1 " * 600))
    assert "--long window" in too_long.value.remedy, "what the command line shows"


def test_they_are_those_of_the_packages_below() -> None:
    assert bertkit.load.__wrapped__ is model.load  # type: ignore[attr-defined]
    assert bertkit.load.__doc__ == model.load.__doc__
