"""A folder into which a run writes is not another run's, whatever command begins it."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from bertkit.checkpoints.locks import LOCK, locked, owned
from bertkit.config.finetuning import FinetuneConfig
from bertkit.errors import FolderInUse
from bertkit.workflows.distill import distill
from tests.cli.conftest import Ended
from tests.training.runs import make_data, write_file

Run = Callable[..., Ended]


@pytest.fixture(autouse=True)
def _fake_model() -> None:
    """No fake here."""


@pytest.fixture
def examples(tmp_path: Path) -> str:
    (tmp_path / "train.csv").write_text("text,label\n" + "".join(f"word {n},{n % 2}\n" for n in range(8)))
    return str(tmp_path / "train.csv")


@pytest.mark.parametrize("more", [(), ("--seeds", "2"), ("--search", "2")])
def test_finetuning(more: tuple[str, ...], run: Run, examples: str, tmp_path: Path) -> None:
    place = tmp_path / "run"
    with owned(place):
        (place / "mine").touch()
        code, _, err = run(
            "finetune", "--task", "text-classification", "--train", examples, "-o", str(place), "-m", "nowhere", *more
        )
        assert code == 1
        assert f"error: {place}: another run writes there" in err
        assert "choose another folder with -o" in err
        assert sorted(os.listdir(place)) == [LOCK, "mine"]


def test_pretraining(run: Run, tmp_path: Path) -> None:
    file = write_file(make_data(tmp_path), tmp_path / "run")
    with owned(tmp_path / "run"):
        code, _, err = run("pretrain", str(file))
        assert code == 1
        assert "run: another run writes there" in err
        assert os.listdir(tmp_path / "run") == [LOCK]


def test_distilling(examples: str, tmp_path: Path) -> None:
    values = {
        "task": {"name": "text-classification"},
        "data": {"train": examples},
        "run": {"directory": str(tmp_path / "run")},
        "teacher": {"start": "nowhere"},
    }
    with owned(tmp_path / "run"), pytest.raises(FolderInUse):
        distill(FinetuneConfig.model_validate(values))


def test_preparing(run: Run, tmp_path: Path) -> None:
    (tmp_path / "corpus.txt").write_text("Some text.\n")
    (tmp_path / "shards/.prepare").mkdir(parents=True)
    with locked(tmp_path / "shards", ".prepare/lock"):
        code, _, err = run("prepare", str(tmp_path / "corpus.txt"), "-o", str(tmp_path / "shards"))
    assert code == 1
    assert "shards: another run writes there" in err


def test_a_run_that_fails_before_it_begins_leaves_no_folder(run: Run, tmp_path: Path) -> None:
    (tmp_path / "train.csv").write_text("text,label\n")
    place = tmp_path / "runs/run"
    code, _, _ = run(
        "finetune", "--task", "text-classification", "--train", str(tmp_path / "train.csv"), "-o", str(place)
    )
    assert code == 2
    assert not place.parent.exists()
