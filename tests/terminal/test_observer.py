from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from bertkit.terminal.observer import TerminalObserver


@contextmanager
def asked() -> Iterator[Callable[[], bool]]:
    yield lambda: True


def test_lines_go_beside_the_results(capsys: pytest.CaptureFixture[str]) -> None:
    observer = TerminalObserver()
    observer.say("a\nline")
    with observer.counting("texts") as tick, observer.training(5) as records:
        tick(3)
        records.on_record({"step": 1, "loss": 0.5})
    out, err = capsys.readouterr()
    assert (out, err.splitlines()) == ("", ["a line", "step 1/5  loss 0.5000"])


def test_records_as_json_go_with_the_results(capsys: pytest.CaptureFixture[str]) -> None:
    with TerminalObserver(json=True).training(5) as records:
        records.on_record({"step": 1, "loss": 0.5})
    assert capsys.readouterr() == ('{"step": 1, "loss": 0.5}\n', "")


def test_who_makes_it_says_when_to_stop() -> None:
    with TerminalObserver().stopping() as stopping:
        assert not stopping()
    with TerminalObserver(stopping=asked).stopping() as stopping:
        assert stopping()
