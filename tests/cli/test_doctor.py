"""`bertkit doctor`, as it is typed."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable

import pytest

from bertkit.cli.doctor import lines
from bertkit.doctor import gathering
from bertkit.doctor.examination import examine
from bertkit.doctor.facts import MachineFacts, TorchFailure
from tests.doctor.faults import with_torch

Run = Callable[..., tuple[int, str, str]]
SICK = MachineFacts(torch=TorchFailure("absent"))


def on(monkeypatch: pytest.MonkeyPatch, facts: MachineFacts) -> None:
    monkeypatch.setattr(gathering, "gather", lambda: facts)


def test_a_problem_is_exit_code_1_and_comes_first_with_its_cure(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    on(monkeypatch, SICK)
    code, out, err = run("doctor")
    assert (code, err) == (1, "")
    assert out.splitlines()[:4] == [
        "something is amiss: 1 problem, 1 note",
        "",
        "problem  torch          torch is not installed",
        "                        → pip install torch",
    ]


def test_nothing_amiss_is_exit_code_0(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    on(monkeypatch, with_torch(bfloat16=True))
    code, out, _ = run("doctor")
    assert code == 0
    assert out.startswith("bertkit works here: 1 note\n")
    assert "ok       Python         3.11.2, python" in out


def test_json_is_a_record_a_finding(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    on(monkeypatch, SICK)
    code, out, _ = run("doctor", "--json")
    records = [json.loads(line) for line in out.splitlines()]
    assert code == 1
    assert records[0] == {
        "check": "torch",
        "level": "problem",
        "seen": "torch is not installed",
        "cure": "pip install torch",
    }
    assert {record["level"] for record in records} == {"problem", "note", "ok"}


def test_lines_fit_the_terminal_and_are_coloured_by_their_level() -> None:
    found = examine(SICK)
    assert max(map(len, lines(found, 60, coloured=False))) <= 60
    assert "\x1b[1;31mproblem  \x1b[0mtorch" in lines(found, 60, coloured=True)[2]


def test_this_process_does_not_import_torch() -> None:
    program = (
        "import sys; from bertkit.cli.main import main; from bertkit.doctor import gathering; "
        "from bertkit.doctor.facts import TorchFailure; "
        "gathering.ask_torch = lambda: TorchFailure('absent'); code = main(['doctor']); "
        "print(code, 'torch' in sys.modules, file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.stderr == "1 False\n"
