"""The benchmark as a job: every cell, predictions beside it, and a killed run that goes on."""

from __future__ import annotations

from itertools import count
from pathlib import Path

import pytest
import torch

from bertkit.benchmarking.cells import Cell, cells
from bertkit.benchmarking.peers import Absent
from bertkit.errors import BertkitError, InputError, OutOfMemory
from bertkit.workflows import benchmark as job
from bertkit.workflows.benchmark import BenchmarkConfig, BenchmarkResult, benchmark
from bertkit.workflows.observer import Silent
from tests.benchmarking.contestants import TINY, MadeUp

CELLS = cells(["inference", "training"], ["float32"], ["16", "mixed"], ["best"])


@pytest.fixture(autouse=True)
def _quiet(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(job, "load_now", lambda: 0.0)


class Noting(Silent):
    def __init__(self) -> None:
        self.said: list[str] = []

    def say(self, line: str) -> None:
        self.said.append(line)


def config(folder: Path, chosen: list[Cell] = CELLS, **more: object) -> BenchmarkConfig:
    whole = {"seconds": 0.0, "largest": 2, **more}
    return BenchmarkConfig("tiny", TINY, chosen, torch.device("cpu"), folder / "bench.json", **whole)  # type: ignore[arg-type]


@pytest.fixture
def _made_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """Speed without work."""

    class Speed(MadeUp):
        def __init__(self, *_: object) -> None:
            super().__init__()

    monkeypatch.setattr(job, "BertkitSpeed", Speed)


def run(folder: Path, chosen: list[Cell] = CELLS, **more: object) -> tuple[BenchmarkResult, list[str]]:
    observer, ticks = Noting(), count(step=0.25)
    return benchmark(config(folder, chosen, **more), observer, lambda: next(ticks)), observer.said


def test_every_cell_is_measured_with_the_prediction_beside_it(tmp_path: Path) -> None:
    result, said = run(tmp_path, CELLS[:1])
    (row,) = result.file.rows
    assert (row.cell, row.contestant, row.rounds) == ("inference float32 16 best", "bertkit", 5)
    assert row.tokens_per_second == 16 * row.batch / 0.25
    assert row.predicted is not None
    assert row.predicted.low < row.predicted.tokens_per_second < row.predicted.high
    assert row.predicted.error == pytest.approx(row.predicted.tokens_per_second / row.tokens_per_second - 1)
    assert said[0] == "[1/1] inference float32 16 best: bertkit"
    assert result.file.machine["threads"] == torch.get_num_threads()
    assert result.file.versions["torch"]


@pytest.mark.usefixtures("_made_up")
def test_a_killed_run_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def killed(*arguments: object) -> None:
        raise KeyboardInterrupt

    run(tmp_path, CELLS[:1])
    with monkeypatch.context() as patched:
        patched.setattr(job, "race", killed)
        with pytest.raises(KeyboardInterrupt):
            run(tmp_path)
    result, said = run(tmp_path)
    assert {row.cell for row in result.file.rows} == {cell.key for cell in CELLS}
    assert result.measured == 3
    assert said[0].startswith("[2/4] ")
    again, said = run(tmp_path)
    assert (again.measured, said) == (0, [])
    assert again.file == result.file


@pytest.mark.usefixtures("_made_up")
def test_a_busy_machine_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(job, "load_now", lambda: 99.0)
    assert "load 99.0" in run(tmp_path, CELLS[:1])[1][0]
    assert run(tmp_path, CELLS[:1])[1] == []  # nothing is left to measure


@pytest.mark.usefixtures("_made_up")
def test_the_file_of_another_run_is_left_alone(tmp_path: Path) -> None:
    run(tmp_path, CELLS[:1])
    before = (tmp_path / "bench.json").read_text()
    with pytest.raises(InputError):
        benchmark(BenchmarkConfig("other", TINY, CELLS, torch.device("cpu"), tmp_path / "bench.json"))
    assert (tmp_path / "bench.json").read_text() == before


@pytest.mark.usefixtures("_made_up")
def test_peers_are_beside_it_or_said_to_be_absent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Made(MadeUp):
        def __init__(self, name: str, *_: object) -> None:
            super().__init__(text_seconds=0.25)
            self.version = "9"
            if name == "openvino":
                raise Absent("is not installed")
            if name == "onnxruntime":
                raise BertkitError("onnxruntime has failed: it broke")

        def __enter__(self) -> Made:
            return self

        def __exit__(self, *_: object) -> None:
            return

    monkeypatch.setattr(job, "Peer", Made)
    python = dict.fromkeys(("transformers", "onnxruntime", "openvino"), "python")
    result, said = run(tmp_path, CELLS[:1], peers=python)
    assert {row.contestant: row.version for row in result.file.rows} == {"bertkit": "0.1.0", "transformers": "9"}
    assert all(row.predicted for row in result.file.rows)  # the planner knows transformers, too
    absent = {row.contestant: row.why for row in result.file.absent}
    assert absent == {"openvino": "is not installed", "onnxruntime": "onnxruntime has failed: it broke"}
    assert "    openvino: left out: is not installed" in said
    assert run(tmp_path, CELLS[:1], peers=python)[0].measured == 0


@pytest.mark.usefixtures("_made_up")
def test_int8_is_for_answers(tmp_path: Path) -> None:
    result, _ = run(tmp_path, cells(["inference", "training"], ["int8"], ["16"], ["best"]))
    assert [row.kind for row in result.file.rows] == ["inference"]
    assert [one.why for one in result.file.absent] == ["int8 is for answering, on a CPU"]


def test_a_cell_that_does_not_fit_is_left_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Full(MadeUp):
        def __init__(self, *_: object) -> None:
            super().__init__(room=0)

    monkeypatch.setattr(job, "BertkitSpeed", Full)
    result, _ = run(tmp_path, CELLS[:1])
    assert (result.file.rows, result.file.absent[0].why) == ([], "it does not fit")
    with pytest.raises(OutOfMemory):
        Full().seconds([[1]])
