from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from bertkit.cli.main import main
from tests.reports.made_runs import make_finetuning, make_run


def test_runs_are_compared(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    make_run(tmp_path / "one").checkpoint(1000).mkdir()
    make_run(tmp_path / "two", done=150)
    assert main(["runs", str(tmp_path / "one"), str(tmp_path / "two"), "--html", str(tmp_path / "page.html")]) == 0
    header, first, second, last = capsys.readouterr().out.splitlines()
    assert header.startswith("run  state    model      parameters  step")
    assert "1,000/1,000  32.77M" in first
    assert "2.4854" in first
    assert "38.9%" in first
    assert "75.0%" in first
    assert first.endswith("1 min 40 s  1,000")
    assert "150/1,000    4.915M  -  " in second
    assert last == f"curves: {tmp_path / 'page.html'}"
    assert (tmp_path / "page.html").read_text().startswith("<!doctype html>")


def test_programs_get_records(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    make_run(tmp_path / "one")
    assert main(["runs", str(tmp_path / "one"), "--json"]) == 0
    [line] = capsys.readouterr().out.splitlines()
    record = json.loads(line)
    assert (record["name"], record["step"], record["parameters"]) == ("one", 1000, None)
    assert record["last_evaluation"]["next-sentence-prediction/accuracy"] == 0.75


def test_a_folder_that_is_no_run(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["runs", str(tmp_path)]) == 2
    assert "no config.toml" in capsys.readouterr().err


def test_it_needs_no_torch(tmp_path: Path) -> None:
    make_run(tmp_path / "one")
    script = "import sys; from bertkit.cli.main import main; main(sys.argv[1:]); assert 'torch' not in sys.modules"
    command = [sys.executable, "-c", script, "runs", str(tmp_path / "one"), "--html", str(tmp_path / "page.html")]
    assert subprocess.run(command, check=False, stdout=subprocess.DEVNULL).returncode == 0


def test_fine_tuning_has_a_table_of_its_own(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    make_finetuning(tmp_path / "tuned").checkpoint(150).mkdir()
    make_run(tmp_path / "one")
    assert main(["runs", str(tmp_path / "tuned"), str(tmp_path / "one"), "--html", str(tmp_path / "page.html")]) == 0
    header, first, gap, tuned_header, tuned, _ = capsys.readouterr().out.splitlines()
    assert (header.split()[0], first.split()[0], gap) == ("run", "one", "")
    assert tuned_header.startswith("run ")
    assert tuned.split() == [
        *("tuned", "running", "text-classification", "the", "built-in", "model", "-", "150/150", "4,800"),
        *("accuracy", "0.9000", "100", "0.8750", "1", "min", "15", "s", "150"),
    ]
    assert main(["runs", str(tmp_path / "tuned"), "--json"]) == 0
    record = json.loads(capsys.readouterr().out)
    assert (record["task"], record["best_by"]) == ("text-classification", "accuracy")
    assert record["best_evaluation"]["step"] == 100
