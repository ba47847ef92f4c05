from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bertkit.config.strict import parse
from bertkit.config.training import TrainingConfig
from bertkit.config.training_file import load_config
from bertkit.errors import ConfigError, InputError, OutputError
from bertkit.runs.run_folder import RunFolder, Start, open_run, read_starts

START = Start.now(command=["bertkit", "pretrain", "a.toml"], manifest_sha256s=["abc"], ranks=2, device="cpu")


def config(directory: Path, **train: Any) -> TrainingConfig:
    values = {
        "model": {"preset": "tiny"},
        "data": {"shards": "shards"},
        "train": {"steps": 10, **train},
        "run": {"directory": str(directory)},
    }
    return parse(TrainingConfig, values, "test")


@pytest.fixture
def begun(tmp_path: Path) -> RunFolder:
    """A run with a checkpoint."""
    folder = open_run(config(tmp_path / "runs/a"), START)
    folder.checkpoint(5).mkdir()
    return folder


def test_a_new_folder_says_what_and_where(tmp_path: Path) -> None:
    folder = open_run(config(tmp_path / "runs/a"), START)
    assert sorted(entry.name for entry in folder.path.iterdir()) == [
        "checkpoints",
        "config.toml",
        "run.json",
        "skipped",
    ]
    assert load_config(folder.config) == config(tmp_path / "runs/a")
    [start] = read_starts(folder)
    assert start["command"] == ["bertkit", "pretrain", "a.toml"]
    assert (start["ranks"], start["device"], start["manifest_sha256s"]) == (2, "cpu", ["abc"])
    assert all(start[name] for name in ("when", "bertkit", "torch", "python", "machine", "system", "cores"))


def test_each_start_is_added(begun: RunFolder) -> None:
    open_run(config(begun.path), replace(START, machine="other"))
    assert [start["machine"] for start in read_starts(begun)] == [START.machine, "other"]


def test_checkpoints_are_found_by_their_names(begun: RunFolder) -> None:
    for name in ("step-00000020", ".step-00000030.ab.tmp", "best"):
        (begun.checkpoints / name).mkdir()
    assert begun.checkpoint_steps() == [5, 20]
    assert begun.checkpoint(20).name == "step-00000020"
    assert RunFolder(begun.path / "none").checkpoint_steps() == []


def test_another_configuration_is_refused(begun: RunFolder) -> None:
    with pytest.raises(ConfigError, match=r"were made with train\.batch_tokens = 32768, not 1024"):
        open_run(config(begun.path, batch_tokens=1024, seed=0), START)
    with pytest.raises(ConfigError, match=r"train\.ema = nothing, not 0\.9"):
        open_run(config(begun.path, ema=0.9), START)
    with pytest.raises(ConfigError, match="other data"):
        open_run(config(begun.path), replace(START, manifest_sha256s=["abd"]))
    assert load_config(begun.config).train.batch_tokens == 32_768
    assert len(read_starts(begun)) == 1


def test_what_does_not_change_the_result_may_change(begun: RunFolder) -> None:
    changed = config(begun.path, steps=20, log_every=1, micro_batch_tokens=64, parallel="fsdp", keep_checkpoints=9)
    open_run(changed, START)
    assert load_config(begun.config) == changed


def test_without_checkpoints_anything_may_change(tmp_path: Path) -> None:
    open_run(config(tmp_path), START)
    open_run(config(tmp_path, seed=3), START)
    assert load_config(tmp_path / "config.toml").train.seed == 3


def test_a_place_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(OutputError, match="cannot be made: Not a directory"):
        open_run(config(tmp_path / "file/run"), START)


@pytest.mark.parametrize("text", ["{", "[]", json.dumps({"starts": [1]})])
def test_a_damaged_file_is_named(begun: RunFolder, text: str) -> None:
    begun.starts.write_text(text)
    with pytest.raises(InputError, match=r"run\.json: not what a run writes there"):
        read_starts(begun)
