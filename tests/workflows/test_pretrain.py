from __future__ import annotations

from pathlib import Path

import pytest

from bertkit.config.training_file import load_config
from bertkit.errors import Stopped
from bertkit.workflows.pretrain import pretrain
from tests.training.runs import evaluations, losses, make_data, write_file
from tests.workflows.small import Remembers


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_data(tmp_path_factory.mktemp("data"))


def test_a_run_asked_to_stop_goes_on_as_if_undisturbed(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    first = Remembers(stop_after=5)
    config = load_config(write_file(data, tmp_path / "run"), ["train.steps=8"])
    with pytest.raises(Stopped) as stopped:
        pretrain(config, first)
    assert stopped.value.step == 5
    second = Remembers()
    result = pretrain(config, second)
    assert (first.steps, second.steps, second.said) == ([8], [8], ["going on after step 5"])
    assert capsys.readouterr() == ("", "")

    whole = pretrain(load_config(write_file(data, tmp_path / "whole"), ["train.steps=8"]))
    assert losses(tmp_path / "run") == losses(tmp_path / "whole")
    assert result.metrics == whole.metrics == evaluations(tmp_path / "whole")[-1]
    assert (result.steps, result.tokens) == (8, whole.tokens)
    assert (tmp_path / "run/model/model.safetensors").exists()
