from __future__ import annotations

import gc
import os
import weakref
from pathlib import Path

import pytest

from bertkit.errors import InputError, OutputError
from bertkit.finetuning.recipe import TrainingRecipe
from bertkit.finetuning.run import Finetuned
from bertkit.metrics.intervals import Interval
from bertkit.reports.beside import Beside
from bertkit.workflows.results import FinetuneResult, PretrainResult
from tests.workflows.small import make_model


def result(folder: Path, note: str = "") -> FinetuneResult:
    recipe = TrainingRecipe(3.0, 1e-4, 10.0, None, "3 epochs, because 9,000 examples")
    return FinetuneResult(
        folder=folder,
        name="feature-extraction",
        finetuned=Finetuned(20, 30, {"accuracy": 0.75, "<i>f1</i>": 0.5}, -0.75, 9.0, 30, recipe),
        best_by="accuracy",
        known={"accuracy": Interval(0.75, 0.01, 0.7, 0.8)},
        counts={},
        beside=Beside("accuracy", 100, 0.75, {"words counted": 0.6}),
        notes=[note],
    )


def test_one_line_says_what_came_of_it() -> None:
    shown = repr(result(Path("run")))
    assert shown == "<bertkit.FinetuneResult in 'run': accuracy 0.7500, <i>f1</i> 0.5000>"
    nothing = PretrainResult(folder=Path("run"), measures={}, steps=1, tokens=2, seconds=3.0)
    assert repr(nothing) == "<bertkit.PretrainResult in 'run': nothing was held out>"


def test_a_notebook_shows_a_table_in_which_nothing_is_html() -> None:
    shown = result(Path("<b>run"), note="the column <script> is the label")._repr_html_()
    for text in ("0.7000 to 0.8000", "words counted: accuracy 0.6000", "3 epochs, because 9,000 examples"):
        assert text in shown
    for text in ("<script>", "<i>f1", "<b>run"):
        assert text not in shown
    assert "&lt;script&gt;" in shown
    assert "&lt;i&gt;f1&lt;/i&gt;" in shown


def test_the_model_is_loaded_once_and_saved_whole(tmp_path: Path) -> None:
    make_model(tmp_path / "run/model")
    (tmp_path / "run/model/README.md").write_text("# A card\n")
    found = result(tmp_path / "run")
    assert found.model is found.model
    assert found.report == "# A card\n"
    found.save(tmp_path / "copy")
    assert sorted(os.listdir(tmp_path / "copy")) == sorted(os.listdir(tmp_path / "run/model"))
    with pytest.raises(OutputError):
        found.save(tmp_path / "copy")


def test_without_its_folder_there_is_no_report(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot be read"):
        _ = result(tmp_path).report


def test_what_keeps_the_folder_lives_as_long_as_the_result_or_its_model(tmp_path: Path) -> None:
    class Keeper:
        pass

    make_model(tmp_path / "run/model")
    keeper = Keeper()
    alive = weakref.ref(keeper)
    found = result(tmp_path / "run").kept_by(keeper)
    del keeper
    model = found.model
    del found
    gc.collect()
    assert alive() is not None
    del model
    gc.collect()
    assert alive() is None
