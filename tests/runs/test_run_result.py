from __future__ import annotations

import json
import math
from pathlib import Path

import pytest

from bertkit.config.finetuning import FinetuneConfig
from bertkit.config.strict import parse
from bertkit.config.training_file import config_text
from bertkit.runs.run_folder import RunFolder
from bertkit.runs.run_result import RESULT, RunResult, finished


@pytest.mark.parametrize("diverged", [True, False])
def test_what_was_written_is_read(diverged: bool, tmp_path: Path) -> None:
    wrong = math.nan if diverged else 0.25
    RunResult({"f1": wrong, "accuracy": 0.5}, math.inf if diverged else -0.5, ["sha"]).write(tmp_path)
    json.loads((tmp_path / RESULT).read_text(), parse_constant=pytest.fail)  # JSON knows no NaN
    found = RunResult.read(tmp_path)
    assert found is not None
    assert found.metrics["accuracy"] == 0.5
    assert math.isnan(found.metrics["f1"]) if diverged else found.metrics["f1"] == 0.25
    assert (found.score, found.sha256s) == (math.inf if diverged else -0.5, ["sha"])


@pytest.mark.parametrize("text", ["", "{", "[]", "5", "{}", '{"metrics": 5, "score": 1, "sha256s": []}'])
def test_what_cannot_be_used_is_nothing(text: str, tmp_path: Path) -> None:
    assert RunResult.read(tmp_path) is None
    (tmp_path / RESULT).write_text(text)
    assert RunResult.read(tmp_path) is None


def config(folder: Path, epochs: int = 1) -> FinetuneConfig:
    values = {
        "task": {"name": "text-classification"},
        "data": {"train": "train.tsv"},
        "train": {"epochs": epochs},
        "run": {"directory": str(folder)},
    }
    return parse(FinetuneConfig, values, "here")


def test_a_run_is_finished_for_its_own_settings_and_data_only(tmp_path: Path) -> None:
    folder, settings = RunFolder(tmp_path), config(tmp_path)
    assert finished(settings, ["sha"]) is None
    result = RunResult({"accuracy": 0.5}, -0.5, ["sha"])
    result.write(tmp_path)
    folder.config.write_text(config_text(settings))
    assert finished(settings, ["sha"]) is None  # its model is gone
    folder.model.mkdir()
    assert finished(settings, ["sha"]) == result
    assert finished(settings, ["other"]) is None
    assert finished(config(tmp_path, epochs=2), ["sha"]) is None
    folder.config.write_text("[train")
    assert finished(settings, ["sha"]) is None


def test_a_run_that_diverged_has_no_model(tmp_path: Path) -> None:
    RunFolder(tmp_path).config.write_text(config_text(config(tmp_path)))
    RunResult({}, math.inf, ["sha"]).write(tmp_path)
    assert finished(config(tmp_path), ["sha"]) is not None
