from __future__ import annotations

import io
import sys
from collections.abc import Callable
from typing import NamedTuple

import pytest

from bertkit.cli.main import main
from tests.cli import fake_program


class Ended(NamedTuple):
    code: int
    out: str
    err: str


@pytest.fixture(autouse=True)
def _fake_model(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, module in fake_program.fake_inference().items():
        monkeypatch.setitem(sys.modules, name, module)
    monkeypatch.setattr(fake_program, "LOADED", [])


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Callable[..., Ended]:
    """Runs one command line in this process, its standard input a pipe that holds `stdin`."""

    def run(*arguments: str, stdin: bytes = b"") -> Ended:
        pipe = io.TextIOWrapper(io.BufferedReader(io.BytesIO(stdin)))
        monkeypatch.setattr(sys, "stdin", pipe)
        code = main(arguments)
        return Ended(code, *capsys.readouterr())

    return run
