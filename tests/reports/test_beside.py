from __future__ import annotations

import json
from pathlib import Path

import pytest

from bertkit.errors import ConfigError
from bertkit.reports.beside import Beside


def test_it_is_kept_beside_the_model(tmp_path: Path) -> None:
    assert Beside.read(tmp_path) is None
    beside = Beside("accuracy", 60, 0.98, {"words counted": 0.1})
    (tmp_path / "bertkit_baselines.json").write_text(beside.text())
    assert Beside.read(tmp_path) == beside
    (tmp_path / "bertkit_baselines.json").write_text(json.dumps({"metric": "accuracy"}))
    with pytest.raises(ConfigError, match=r"bertkit_baselines\.json: cannot be read"):
        Beside.read(tmp_path)
