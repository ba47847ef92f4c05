"""MachineCalibration, by a clock on which every turn takes the same time."""

from __future__ import annotations

from itertools import count
from pathlib import Path

import pytest
import torch

from bertkit.benchmarking import calibrating
from bertkit.benchmarking.calibrating import SHAPES, Stopwatch, calibrate_machine
from bertkit.planner.calibration import load_calibration
from tests.benchmarking.contestants import TINY

CPU = torch.device("cpu")
TURN = 0.5  # seconds between two looks at the clock


@pytest.fixture(autouse=True)
def _small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(calibrating, "ROWS", 2)
    monkeypatch.setattr(calibrating, "COPIED_NUMBERS", 100)
    monkeypatch.setattr(calibrating, "SMALL_OPERATIONS", 10)
    monkeypatch.setattr(calibrating, "PROBE", TINY)
    monkeypatch.setattr(calibrating, "PROBE_LENGTH", 3)
    monkeypatch.setattr(calibrating, "PROBE_TEXTS", 2)


def stopwatch() -> Stopwatch:
    ticks = count(step=TURN)
    return Stopwatch(CPU, lambda: next(ticks))


def test_rates_are_work_by_time() -> None:
    assert stopwatch().products("float32") == sum(2 * 2 * a * b for a, b in SHAPES) / TURN
    assert stopwatch().bandwidth() == 2 * 100 * 4 / TURN
    assert stopwatch().launch() == TURN / 10


def test_the_shortest_turn_counts() -> None:
    times = iter([0.0, 5.0, 10.0, 12.0, 20.0, 21.0])
    assert Stopwatch(CPU, lambda: next(times)).seconds(lambda: None) == 1.0


def test_what_lies_between_products_is_the_time_that_these_do_not_explain() -> None:
    endless = stopwatch().numbers_a_second(1e30)
    assert stopwatch().numbers_a_second(1.0) == pytest.approx(10 * endless)  # products explain all: a tenth is left
    assert endless > 0


def test_all_of_it(tmp_path: Path) -> None:
    said: list[str] = []
    ticks = count(step=TURN)
    found = calibrate_machine(CPU, said.append, lambda: next(ticks))
    assert set(found.products_tflops) == {"float32", "bfloat16"}
    assert (found.device, found.threads) == (None, torch.get_num_threads())
    assert said == ["products in float32", "products in bfloat16", "memory, small operations, an encoder"]
    path = tmp_path / found.name
    path.write_text(found.model_dump_json())
    assert load_calibration(path) == found
