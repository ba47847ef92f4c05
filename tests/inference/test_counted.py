from __future__ import annotations

import sys

import pytest

from bertkit.inference.counted import counted


def test_a_few_lines_however_many_items(capsys: pytest.CaptureFixture[str]) -> None:
    assert list(counted(range(1000), "texts", 1000)) == list(range(1000))
    lines = capsys.readouterr().err.split("\r")
    assert len(lines) == 1 + 100 + 1
    assert lines[-1] == "1,000 of 1,000 texts\n"
    assert list(counted(range(250), "rows", None)) == list(range(250))
    assert capsys.readouterr().err == "\r100 rows\r200 rows\r250 rows\n"


def test_nobody_reads_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stderr", None)
    assert list(counted("ab", "texts", 2)) == ["a", "b"]
