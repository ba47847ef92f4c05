from __future__ import annotations

import pytest

from bertkit.workflows.observer import SILENT, Observer


def test_nobody_is_told_anything(capsys: pytest.CaptureFixture[str]) -> None:
    observer: Observer = SILENT
    observer.say("a line")
    with observer.counting("texts") as tick, observer.training(5) as records, observer.stopping() as stopping:
        tick(3)
        records.on_record({"step": 1})
        assert not stopping()
    assert capsys.readouterr() == ("", "")
