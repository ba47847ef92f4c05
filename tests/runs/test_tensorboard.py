from __future__ import annotations

import sys
from pathlib import Path

import pytest

from bertkit.errors import UserError
from bertkit.runs.tensorboard import TensorBoard

pytest.importorskip("tensorboard")
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")


def scalars(folder: Path) -> dict[str, list[tuple[int, float]]]:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    events = EventAccumulator(str(folder))
    events.Reload()
    return {tag: [(e.step, e.value) for e in events.Scalars(tag)] for tag in events.Tags()["scalars"]}


def test_every_number_is_a_scalar_at_its_step(tmp_path: Path) -> None:
    with TensorBoard(tmp_path) as board:
        board.on_record({"step": 10, "seconds": 1.0, "loss": 6.25, "masked-lm/accuracy": 0.5})
        board.on_record({"step": 10, "seconds": 1.0, "evaluation": {"masked-lm/loss": 5.75}})
        board.on_record({"step": 17, "skipped": "the loss is not finite", "batch": "skipped/a"})
        board.on_record({"step": 20, "loss": 6.0})
    assert scalars(tmp_path) == {
        "train/loss": [(10, 6.25), (20, 6.0)],
        "train/masked-lm/accuracy": [(10, 0.5)],
        "evaluation/masked-lm/loss": [(10, 5.75)],
    }


def test_a_resumed_run_drops_what_came_after_its_checkpoint(tmp_path: Path) -> None:
    with TensorBoard(tmp_path) as board:
        for step in (10, 20, 30):
            board.on_record({"step": step, "loss": 1.0})
    with TensorBoard(tmp_path, purge_after=20) as board:
        board.on_record({"step": 30, "loss": 2.0})
    assert scalars(tmp_path) == {"train/loss": [(10, 1.0), (20, 1.0), (30, 2.0)]}


def test_without_the_package_it_says_how_to_get_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", None)
    with pytest.raises(UserError, match="not installed") as caught:
        TensorBoard(tmp_path)
    assert "pip install 'bertkit[tensorboard]'" in caught.value.remedy
