from __future__ import annotations

from pathlib import Path

import pytest

from bertkit.cli.models import model_folder
from bertkit.errors import ModelNotFound


def test_a_folder_is_itself_and_none_is_the_embedded_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert model_folder(str(tmp_path), None) == tmp_path
    monkeypatch.setattr("bertkit.checkpoints.embedded.embedded_folder", lambda: tmp_path / "embedded")
    assert model_folder(None, None) == tmp_path / "embedded"


def test_one_that_there_is_not(tmp_path: Path) -> None:
    with pytest.raises(ModelNotFound):
        model_folder(str(tmp_path / "none"), None)
