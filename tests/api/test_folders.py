from __future__ import annotations

import gc
from dataclasses import dataclass
from pathlib import Path

import pytest

from bertkit.api.folders import TemporaryFolder, run_in
from bertkit.errors import UserError
from bertkit.workflows.results import PretrainResult


def result(folder: str) -> PretrainResult:
    (Path(folder) / "model").mkdir(parents=True)
    return PretrainResult(folder=Path(folder), measures={}, steps=1, tokens=1, seconds=1.0)


@dataclass
class Fails:
    folder: str = ""

    def __call__(self, folder: str) -> PretrainResult:
        self.folder = folder
        raise KeyboardInterrupt


def test_a_folder_goes_when_nobody_holds_it() -> None:
    folder = TemporaryFolder()
    path = Path(folder.path)
    assert path.is_dir()
    del folder
    gc.collect()
    assert not path.exists()


def test_a_named_folder_stays(tmp_path: Path) -> None:
    found = run_in(tmp_path / "run", result)
    del found
    gc.collect()
    assert (tmp_path / "run/model").is_dir()


def test_a_job_that_ends_badly_leaves_only_a_folder_that_was_named(tmp_path: Path) -> None:
    job = Fails()
    with pytest.raises(KeyboardInterrupt):
        run_in(None, job)
    assert not Path(job.folder).exists()
    with pytest.raises(KeyboardInterrupt):
        run_in(tmp_path, job)
    assert tmp_path.exists()


def test_several_processes_need_one_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WORLD_SIZE", "2")
    with pytest.raises(UserError, match="several processes"):
        run_in(None, result)
