from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.cli.conftest import Ended
from tests.training.runs import make_data, write_file

Run = Callable[..., Ended]


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_data(tmp_path_factory.mktemp("data"))


def test_a_key_that_there_is_not(run: Run, data: Path, tmp_path: Path) -> None:
    file = write_file(data, tmp_path / "run")
    file.write_text(file.read_text().replace("batch_tokens = 512", "batch_token = 512"))
    code, out, err = run("pretrain", str(file))
    assert (code, out) == (2, "")
    assert "train.batch_token" in err
    assert "did you mean 'batch_tokens'?" in err
    assert str(file) in err
    assert not (tmp_path / "run").exists()


def test_a_key_of_the_command_line_that_there_is_not(run: Run, data: Path, tmp_path: Path) -> None:
    code, _, err = run("pretrain", str(write_file(data, tmp_path / "run")), "--set", "train.stepps=3")
    assert code == 2
    assert "train.stepps" in err
    assert "steps" in err


def test_a_file_that_is_not_there(run: Run, tmp_path: Path) -> None:
    code, _, err = run("pretrain", str(tmp_path / "run.toml"))
    assert code == 2
    assert "run.toml: no such file" in err


def test_shards_that_are_not_there(run: Run, data: Path, tmp_path: Path) -> None:
    file = write_file(data, tmp_path / "run")
    code, out, err = run("pretrain", str(file), "--set", f"data.shards={tmp_path / 'nowhere'}")
    assert (code, out) == (2, "")
    assert "nowhere: no manifest.json" in err
    assert "bertkit prepare" in err
    assert not (tmp_path / "run").exists()


def test_a_run_and_its_going_on(run: Run, data: Path, tmp_path: Path) -> None:
    file = write_file(data, tmp_path / "run")
    code, out, err = run("pretrain", str(file), "--set", "train.steps=2")
    assert (code, out) == (0, "")
    lines = err.splitlines()
    assert lines[-1] == f"the model is in {tmp_path / 'run/model'}"
    assert [line.split()[1] for line in lines if "learning rate" in line] == ["1/2", "2/2"]
    assert any("held out:" in line for line in lines)
    assert "going on" not in err
    names = {path.name for path in (tmp_path / "run").iterdir()}
    assert names == {"config.toml", "run.json", "metrics.jsonl", "checkpoints", "skipped", "model"}
    code, _, err = run("pretrain", str(file), "--set", "train.steps=3")
    assert code == 0
    assert err.splitlines()[0] == "going on after step 2"
    metrics = [json.loads(line) for line in (tmp_path / "run/metrics.jsonl").read_text().splitlines()]
    assert [record["step"] for record in metrics if "loss" in record] == [1, 2, 3]
    assert len(json.loads((tmp_path / "run/run.json").read_text())["starts"]) == 2


def test_records_for_a_program(run: Run, data: Path, tmp_path: Path) -> None:
    code, out, err = run("pretrain", str(write_file(data, tmp_path / "run")), "--set", "train.steps=2", "--json")
    assert code == 0
    records = [json.loads(line) for line in out.splitlines()]
    assert records == [json.loads(line) for line in (tmp_path / "run/metrics.jsonl").read_text().splitlines()]
    assert [("loss" in record, "evaluation" in record) for record in records] == [
        (True, False),
        (True, False),
        (False, True),
    ]
    assert err == f"the model is in {tmp_path / 'run/model'}\n"


def test_another_configuration_in_the_same_folder(run: Run, data: Path, tmp_path: Path) -> None:
    file = write_file(data, tmp_path / "run")
    assert run("pretrain", str(file), "--set", "train.steps=1").code == 0
    code, _, err = run("pretrain", str(file), "--set", "train.seed=5")
    assert code == 2
    assert "made with train.seed = 0, not 5" in err
