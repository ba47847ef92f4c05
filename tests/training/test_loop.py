"""SIGTERM at every phase of a step: the run goes on as if undisturbed, and no score is lost."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from bertkit.training import checkpoints as checkpoints_module
from bertkit.training.checkpoints import Checkpoints, finished
from bertkit.training.evaluation import LossEvaluator, Measures
from bertkit.training.meters import Meters
from bertkit.training.parallelism import Parallelism
from bertkit.training.step import Stepper
from bertkit.training.training_module import TrainingModule
from tests.training.in_process import Outcome, assert_same_weights, run_here
from tests.training.runs import make_data

SETS = ("train.steps=4", "train.evaluate_every=2", "train.checkpoint_every=2", "train.keep_checkpoints=1")
# Where the signal comes: what is being done, and how many times that was done before step 2 does it.
PHASES = {
    "gradient": (Stepper, "gradient", 1),
    "update": (Stepper, "update", 1),
    "record": (Meters, "take", 1),
    "evaluation": (LossEvaluator, "measure", 0),
    "saving": (Checkpoints, "save", 0),
    "sealing": (Checkpoints, "_seal", 0),
    "renaming": (checkpoints_module, "put_in_place", 0),
}


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_data(tmp_path_factory.mktemp("data"))


def far_from_the_start(
    evaluation: LossEvaluator, training_module: TrainingModule, parallelism: Parallelism
) -> Measures:
    """Grows with every step, so that a run that forgets its first score is left with a worse checkpoint."""
    biases = [weight for name, weight in training_module.named_parameters() if name.endswith("bias")]
    return {"loss": float(sum(bias.detach().abs().sum() for bias in biases))}


@pytest.fixture(scope="module", autouse=True)
def _the_first_is_the_best() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(LossEvaluator, "measure", far_from_the_start)
        yield


@pytest.fixture(scope="module")
def whole(data: Path, _the_first_is_the_best: None) -> Outcome:
    return run(data, data / "whole", *SETS)


def run(data: Path, directory: Path, *sets: str, stopping: Callable[[], bool] | None = None) -> Outcome:
    outcome = run_here(data, directory, *sets, stopping=stopping)
    if outcome.error is not None:
        raise outcome.error
    return outcome


def scores(outcome: Outcome) -> list[tuple[int, float | None]]:
    return [(one.step, one.score) for one in finished(outcome.directory / "checkpoints")]


def signal_at(monkeypatch: pytest.MonkeyPatch, phase: str) -> Callable[[], bool]:
    """Whether the signal has come; asked before every step."""
    owner, name, before = PHASES[phase]
    function, calls = getattr(owner, name), []
    asked: list[str] = []
    came = threading.Event()

    def called(*arguments: object, **options: object) -> object:
        calls.append(name)
        if len(calls) > before:
            came.set()
        return function(*arguments, **options)

    def has_come() -> bool:
        asked.append(phase)
        if len(asked) == 3:
            came.wait(60)  # checkpoints are written by a thread of their own
        return came.is_set()

    monkeypatch.setattr(owner, name, called)
    return has_come


def test_the_best_is_an_early_one(whole: Outcome) -> None:
    assert [step for step, _ in scores(whole)] == [2, 4]
    assert all(score is not None for _, score in scores(whole))


@pytest.mark.parametrize("phase", PHASES)
def test_a_signal_at_any_phase(
    phase: str, data: Path, whole: Outcome, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        first = run(data, tmp_path / "run", *SETS, stopping=signal_at(patch, phase))
    assert not first.finished
    rest = run(data, tmp_path / "run", *SETS)
    assert rest.started == len(first.of("loss"))
    assert scores(rest) == scores(whole)
    assert_same_weights(rest.weights[-1], whole.weights[-1])


def test_a_score_without_a_checkpoint_of_its_own(data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It was measured, and nothing was to be saved at that step."""
    sets = (*SETS, "train.checkpoint_every=100")
    stopped = run(data, tmp_path / "run", *sets, stopping=signal_at(monkeypatch, "evaluation"))
    ((step, score),) = scores(stopped)
    assert step == 2
    assert score is not None


def test_what_is_there_is_not_written_again(data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stopped = run(data, tmp_path / "run", *SETS, stopping=signal_at(monkeypatch, "saving"))
    (checkpoint,) = (stopped.directory / "checkpoints").iterdir()
    before = {file.name: file.stat().st_ino for file in checkpoint.iterdir()}
    run(data, tmp_path / "run", *SETS, stopping=lambda: True)
    assert {file.name: file.stat().st_ino for file in checkpoint.iterdir()} == before


def test_a_run_begun_before_scores_were_remembered(
    data: Path, whole: Outcome, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The state of an older checkpoint has fewer entries."""
    run(data, tmp_path / "run", *SETS, stopping=signal_at(monkeypatch, "saving"))
    (checkpoint,) = (tmp_path / "run/checkpoints").iterdir()
    state = checkpoint / "state.json"
    values = json.loads(state.read_text())
    for name in ("scores", "start", "loss_scale"):
        del values["state"][name]
    state.write_text(json.dumps(values))
    assert scores(run(data, tmp_path / "run", *SETS)) == scores(whole)
