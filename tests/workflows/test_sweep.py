"""Several runs: what is done again, what a run that diverges leaves, and which model is kept."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest

from bertkit.config.finetuning import FinetuneConfig
from bertkit.config.search import SweepConfig
from bertkit.config.training_file import config_text
from bertkit.errors import Stopped, UserError
from bertkit.training.loop import Diverged
from bertkit.workflows.observer import Observer
from bertkit.workflows.sweep import sweep
from tests.cli.test_finetune import write_texts
from tests.parity.bert_peer import Sizes, make_peer


@dataclass(frozen=True)
class Ended:
    metrics: dict[str, float]
    score: float


@pytest.fixture(scope="module")
def values(tmp_path_factory: pytest.TempPathFactory) -> dict[str, object]:
    folder = tmp_path_factory.mktemp("desk")
    make_peer(Sizes(layers=1, segment_types=2), folder / "model", deviation=0.1)
    train = write_texts(folder / "train.tsv", 120, 1)
    return {
        "task": {"name": "text-classification"},
        "model": {"start": str(folder / "model")},
        "data": {"train": train},
    }


def sweep_of(values: dict[str, object], place: Path, **count: int) -> SweepConfig:
    base = FinetuneConfig.model_validate({**values, "run": {"directory": str(place)}})
    return SweepConfig.model_validate({"base": base, **count})


def test_a_trial_that_diverges_is_one_of_the_results(values: dict[str, object], tmp_path: Path) -> None:
    done: list[str] = []

    def run_once(config: FinetuneConfig, observer: Observer) -> Ended:
        folder = Path(config.run.directory)
        folder.mkdir(parents=True)
        (folder / "config.toml").write_text(config_text(config))
        done.append(folder.name)
        if folder.name != "trial-001":
            raise Diverged("11 steps were not finite")
        (folder / "model").mkdir()
        (folder / "model/README.md").write_text("# A model\n")
        return Ended({"pearsonr": float("nan"), "spearmanr": 0.5}, -0.5)

    def search(place: Path, count: int) -> dict[str, object]:
        return sweep(sweep_of(values, place, search=count), run_once=run_once).record()

    first = search(tmp_path / "runs", 3)
    assert done == ["trial-000", "trial-001", "trial-002"]
    assert first["best"] == "trial-001"
    runs = first["runs"]
    assert isinstance(runs, dict)
    assert {name: list(metrics) for name, metrics in runs.items()} == {
        "trial-000": [],
        "trial-001": ["pearsonr", "spearmanr"],
        "trial-002": [],
    }
    assert str(search(tmp_path / "runs", 3)) == str(first)
    assert len(done) == 3, "nothing is done again"
    (tmp_path / "runs/trial-000/result.json").write_text("{")
    with pytest.raises(FileExistsError):
        search(tmp_path / "runs", 3)  # what a damaged file says is not believed: the run goes on
    with pytest.raises(UserError, match="no run came to a score"):
        search(tmp_path / "others", 1)


def test_a_seed_that_diverges(values: dict[str, object], tmp_path: Path) -> None:
    def run_once(config: FinetuneConfig, observer: Observer) -> Ended:
        Path(config.run.directory).mkdir(parents=True)
        raise Diverged("11 steps were not finite")

    with pytest.raises(UserError, match="seed-0 diverged"):
        sweep(sweep_of(values, tmp_path, seeds=2), run_once=run_once)


def test_stopped(values: dict[str, object], tmp_path: Path) -> None:
    def run_once(config: FinetuneConfig, observer: Observer) -> Ended:
        raise Stopped("the run was asked to stop")

    with pytest.raises(Stopped):
        sweep(sweep_of(values, tmp_path, seeds=2), run_once=run_once)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("count", [{}, {"seeds": 2, "search": 2}, {"seeds": 1}])
def test_a_sweep_is_of_one_kind(count: dict[str, int], values: dict[str, object], tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"one of the two|greater than or equal to 2"):
        sweep_of(values, tmp_path, **count)
