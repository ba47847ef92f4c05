from __future__ import annotations

from pathlib import Path
from typing import Any

from bertkit.config.calibration import ModelCalibration
from bertkit.metrics.calibrating import Abstaining
from bertkit.workflows.calibration import Calibration

KEPT = ModelCalibration(problem="single-label", temperature=2.5, examples=1200, error_before=0.125, error_after=0.0625)


def found(abstaining: Abstaining | None, *notes: str) -> Calibration:
    nobody: Any = None  # how it is shown does not hang on the evaluation
    return Calibration(Path("<models>/one/calibration.json"), KEPT, abstaining, nobody, notes)


def test_what_was_found_in_a_line_and_as_a_record() -> None:
    plain = found(None)
    assert plain.folder == Path("<models>/one")
    assert repr(plain) == (
        "<bertkit.Calibration of '<models>/one': temperature 2.5000, calibration error 0.1250 to 0.0625>"
    )
    assert plain.record() == KEPT.model_dump()
    one = found(Abstaining(0.75, 0.5, 0.9))
    assert ", abstains below 0.7500," in repr(one)
    assert one.record()["abstaining"] == {"threshold": 0.75, "coverage": 0.5, "precision": 0.9}


def test_a_notebook_shows_what_there_is_and_nothing_of_it_is_html() -> None:
    shown = found(Abstaining(0.75, 0.5, 0.9), "<i>a note</i>")._repr_html_()
    for words in ("2.5000", "0.1250", "0.0625", "0.7500", "50.00%", "90.00%", "1,200 examples", "&lt;i&gt;a note"):
        assert words in shown
    assert "<models>" not in shown
    nothing_answered = found(Abstaining(0.99, 0.0, None))._repr_html_()
    assert "right of these" not in nothing_answered
    assert "abstains" not in found(None)._repr_html_()
