from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import nn

from bertkit.optimisation import loss_scale
from bertkit.optimisation.loss_scale import FIRST, LEAST, MOST, STEPS_TO_GROW, LossScale
from tests.training.in_process import Outcome, assert_same_weights, run_here
from tests.training.runs import make_data

HALF = "train.precision=float16"
SMALL = "train.batch_tokens=256"  # float16 is slow on a CPU


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_data(tmp_path_factory.mktemp("data"))


def test_as_torchs_grad_scaler() -> None:
    """The same multiples as torch's own, gradient by gradient."""
    theirs = torch.amp.GradScaler("cpu", init_scale=FIRST, growth_interval=STEPS_TO_GROW)
    weight = nn.Parameter(torch.zeros(1))
    optimiser = torch.optim.SGD([weight], lr=0.0)
    ours = LossScale()
    for step in range(2 * STEPS_TO_GROW + 9):
        finite = step not in (2, 3, STEPS_TO_GROW)
        theirs.scale(weight.sum() if finite else weight.sum() * torch.inf).backward()
        theirs.step(optimiser)
        theirs.update()
        optimiser.zero_grad()
        assert ours.after(finite) != finite
        assert ours.value == theirs.get_scale()


def test_its_bounds() -> None:
    scale = LossScale(LEAST * 2)
    assert scale.after(False)
    assert scale.value == LEAST
    assert not scale.after(False)  # the multiple is not at fault: the numbers themselves are not finite
    scale = LossScale(MOST, STEPS_TO_GROW - 1)
    scale.after(True)
    assert scale.value == MOST


def run(data: Path, directory: Path, *sets: str, stop_after: int | None = None) -> Outcome:
    outcome = run_here(data, directory, *sets, stop_after=stop_after)
    if outcome.error is not None:
        raise outcome.error
    return outcome


def test_a_run_in_float16_learns_what_one_in_float32_does(data: Path, tmp_path: Path) -> None:
    half, full = (run(data, tmp_path / name, f"train.precision={name}") for name in ("float16", "float32"))
    assert half.losses() != full.losses()
    assert half.losses() == pytest.approx(full.losses(), abs=0.01)
    norms = [float(str(record["gradient_norm"])) for record in half.of("loss")]
    assert norms == pytest.approx([float(str(record["gradient_norm"])) for record in full.of("loss")], rel=0.05)


def test_an_overflow_leaves_the_step_out_and_lowers_the_multiple(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(LossScale, "__init__", _first_of(2.0**34))
    outcome = run(
        data, tmp_path / "run", HALF, SMALL, "train.most_skipped=0", "train.steps=24", "train.evaluate_every=24"
    )
    lowered = [record["loss_scale"] for record in outcome.of("loss_scale")]
    assert lowered == [2.0 ** (33 - number) for number in range(len(lowered))]
    assert 10 < len(lowered) < 24
    assert not outcome.of("skipped")
    assert not any(outcome.directory.joinpath("skipped").iterdir())
    assert_same_weights(outcome.weights[0], outcome.weights[len(lowered) - 1])
    assert any(not torch.equal(a, outcome.weights[0][name]) for name, a in outcome.weights[-1].items())


def test_a_run_goes_on_with_its_multiple(data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loss_scale, "STEPS_TO_GROW", 3)
    whole = run(data, tmp_path / "whole", HALF, SMALL)
    run(data, tmp_path / "halves", HALF, SMALL, stop_after=5)
    rest = run(data, tmp_path / "halves", HALF, SMALL)
    assert rest.started == 5
    assert_same_weights(rest.weights[-1], whole.weights[-1])
    state = (tmp_path / "halves/checkpoints/step-00000012/state.json").read_text()
    assert f'"value": {FIRST * 2**4}' in state


def _first_of(value: float) -> object:
    def init(self: LossScale, given: float = value, good_steps: int = 0) -> None:
        self.value, self.good_steps = given, good_steps

    return init
