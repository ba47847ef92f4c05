from __future__ import annotations

from pathlib import Path

import pytest
import torch

from bertkit.checkpoints.locks import owned
from bertkit.config.finetuning import FinetuneConfig
from bertkit.errors import FolderInUse, Stopped, UserError
from bertkit.training.ranks import joined
from bertkit.workflows.finetune import finetune
from tests.workflows.small import Remembers, labelled, make_model, write_table


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("desk")
    make_model(folder / "model")
    write_table(folder / "train.tsv", labelled(96))
    return folder


def config_in(desk: Path, place: Path, **train: object) -> FinetuneConfig:
    train = {"epochs": 2.0, "batch_samples": 16, "log_every": 1, "optimiser": {"learning_rate": 3e-3}} | train
    values = {
        "task": {"name": "text-classification"},
        "model": {"start": str(desk / "model")},
        "data": {"train": str(desk / "train.tsv"), "hold_out": 0.25},
        "train": train,
        "run": {"directory": str(place)},
    }
    return FinetuneConfig.model_validate(values)


def weights(place: Path) -> bytes:
    return (place / "model/model.safetensors").read_bytes()


@pytest.fixture(scope="module")
def undisturbed(desk: Path) -> Path:
    finetune(config_in(desk, desk / "undisturbed"))
    return desk / "undisturbed"


def test_the_observer_is_told_all(desk: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    observer = Remembers()
    result = finetune(config_in(desk, tmp_path / "run"), observer)
    assert capsys.readouterr() == ("", ""), "a workflow prints nothing"
    assert observer.steps == [10]
    assert "72 examples to learn from, 24 to measure on" in "\n".join(observer.said)
    assert sum("loss" in record for record in observer.records) == result.finetuned.steps == 10
    assert result.intervals["accuracy"].low <= result.metrics["accuracy"] <= result.intervals["accuracy"].high
    assert list(result.baselines) == [
        "always the most frequent",
        "words counted (TF-IDF)",
        "its own head before the first step",
    ]
    assert result.recipe.epochs == 2
    assert result.folder == tmp_path / "run"


def test_asked_to_stop_it_leaves_a_checkpoint_and_goes_on(desk: Path, undisturbed: Path, tmp_path: Path) -> None:
    with pytest.raises(Stopped, match="was asked to stop") as stopped:
        finetune(config_in(desk, tmp_path / "run"), Remembers(stop_after=3))
    assert stopped.value.step == 3
    observer = Remembers()
    finetune(config_in(desk, tmp_path / "run"), observer)
    assert "going on after step 3" in observer.said
    assert weights(tmp_path / "run") == weights(undisturbed)


def test_interrupted_it_leaves_a_folder_to_go_on_in(desk: Path, undisturbed: Path, tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt):
        finetune(config_in(desk, tmp_path / "run"), Remembers(interrupt_after=8))
    assert not (tmp_path / "run/model").exists()
    observer = Remembers()
    finetune(config_in(desk, tmp_path / "run"), observer)
    assert "going on after step 5" in observer.said
    assert weights(tmp_path / "run") == weights(undisturbed)


def test_a_finished_run_gives_its_result_again(desk: Path, undisturbed: Path) -> None:
    observer = Remembers()
    result = finetune(config_in(desk, undisturbed), observer)
    assert not any("loss" in record for record in observer.records)
    assert result.finetuned.steps == 10


def test_a_quick_run_says_why_it_has_no_epoch(desk: Path, tmp_path: Path) -> None:
    result = finetune(config_in(desk, tmp_path / "run", quick=True, epochs=None))
    assert result.finetuned.steps == 0
    assert (result.recipe.epochs, result.recipe.why) == (
        0.0,
        "no epoch: the head is the best linear one for the encoder as it is",
    )


def test_nobody_else_writes_there(desk: Path, tmp_path: Path) -> None:
    with owned(tmp_path / "run"), pytest.raises(FolderInUse):
        finetune(config_in(desk, tmp_path / "run"))


def test_a_process_of_another_group_is_told_so(desk: Path, tmp_path: Path) -> None:
    with joined(torch.device("cpu")), pytest.raises(UserError, match="in a group of torch"):
        finetune(config_in(desk, tmp_path / "run"))
    assert list(tmp_path.iterdir()) == []
