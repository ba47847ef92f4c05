"""`bertkit bench`, as it is typed; what is measured is made up."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from bertkit.benchmarking import calibrating
from bertkit.benchmarking.results import BenchFile
from bertkit.planner.calibration import calibrations_folder
from bertkit.workflows import benchmark as job
from tests.benchmarking.contestants import MadeUp
from tests.benchmarking.test_results import ROW, made
from tests.planner.test_calibration import MEASURED

Run = Callable[..., tuple[int, str, str]]
TINY = "layers=1,width=8,heads=2,ffn_width=16,vocab_size=101"
QUICK = ("--quick", "--peers", "none", "--seconds", "0", "--device", "cpu")


@pytest.fixture(autouse=True)
def _made_up(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    class Speed(MadeUp):
        def __init__(self, *_: object) -> None:
            super().__init__()

    monkeypatch.setattr(job, "BertkitSpeed", Speed)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)


def test_a_quick_run(run: Run) -> None:
    code, out, err = run("bench", TINY, *QUICK, "-o", "b.json")
    assert code == 0, err
    assert "[4/4] training float32 mixed best: bertkit" in err
    heading, _, header, *rows = out.splitlines()
    assert heading.startswith(TINY)
    assert header.split()[:4] == ["work", "precision", "lengths", "batch"]
    assert len([row for row in rows if row.startswith(("inference", "training"))]) == 4
    assert rows[-1] == "b.json: 4 measurements, 4 of them new"
    file = BenchFile.model_validate_json(Path("b.json").read_text())
    code, out, _ = run("bench", TINY, *QUICK, "-o", "b.json", "--json")
    assert json.loads(out) == json.loads(json.dumps(file.model_dump()))


def test_the_file_is_called_after_model_and_machine(run: Run) -> None:
    assert run("bench", "bert-base", *QUICK, "--work", "inference", "--lengths", "128")[0] == 0
    (path,) = Path().glob("*.json")
    assert path.name.startswith("bench-bert-base-")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--precision", "float33"), "unknown 'float33' (did you mean 'float32'?)"),
        (("--work", "serving"), "unknown 'serving'"),
        (("--lengths", "4096"), "reads up to 512 tokens"),
        (("--peers", "torch"), "unknown peer 'torch'"),
        (("--html", "a.html"), "--html without --leaderboard"),
        (("--leaderboard", "nowhere"), "nowhere: no such folder"),
    ],
)
def test_wrong_use(run: Run, arguments: tuple[str, ...], said: str) -> None:
    code, out, err = run("bench", TINY, *arguments)
    assert (code, out) == (2, "")
    assert said in err
    assert len(err.splitlines()) == 2


def test_a_leaderboard_of_many_files(run: Run) -> None:
    Path("files").mkdir()
    made(rows=[ROW]).write(Path("files/a.json"))
    faster = ROW.model_copy(update={"tokens_per_second": 2000.0})
    made(machine={"processor": "EPYC", "device": "cpu", "threads": 4}, rows=[faster]).write(Path("files/b.json"))
    Path("files/c.json").write_text("{}")
    code, out, err = run("bench", "--leaderboard", "files", "--html", "page.html")
    assert code == 0
    assert "left out: c.json" in err
    assert [line.split("  ")[0] for line in out.splitlines()[3:5]] == ["EPYC, 4 threads", "x, 2 threads"]
    assert "<svg" in Path("page.html").read_text()
    code, out, _ = run("bench", "--leaderboard", "files", "--json")
    assert [json.loads(line)["tokens_per_second"] for line in out.splitlines()] == [2000.0, 1000.0]


def test_an_empty_leaderboard(run: Run) -> None:
    Path("files").mkdir()
    code, _, err = run("bench", "--leaderboard", "files")
    assert code == 2
    assert "has no measurements" in err


def test_calibrate_writes_what_the_planner_reads(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    def measured(place: object, say: Callable[[str], None]) -> Any:
        say("products")
        return MEASURED

    monkeypatch.setattr(calibrating, "calibrate_machine", measured)
    code, out, err = run("bench", "--calibrate", "--device", "cpu")
    assert code == 0
    assert "measuring products" in err
    assert "float32 0.3, bfloat16 0.6 TFLOP/s" in out
    assert (calibrations_folder() / MEASURED.name).is_file()
    _, out, _ = run("bench", "--calibrate", "--device", "cpu", "--json")
    assert json.loads(out)["bandwidth_gb_s"] == 20.0
