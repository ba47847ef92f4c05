from __future__ import annotations

from pathlib import Path

import pytest

import bertkit
from bertkit.errors import UserError
from tests.workflows.small_jobs import labelled_texts, small_classifier


def test_rows_in_memory_calibrate_and_measure(tmp_path: Path) -> None:
    folder = small_classifier(tmp_path / "model")
    rows = [{"words": row["text"], "label": row["label"]} for row in labelled_texts(folder, 60)]
    made = bertkit.compress(folder, tmp_path / "int8", rows, text_column="words", max_loss=10.0, progress=False)
    assert isinstance(made, bertkit.Compression)
    assert bertkit.load(tmp_path / "int8").dtype == "int8"


def test_options_that_there_are_not_or_not_without_data(tmp_path: Path) -> None:
    folder = small_classifier(tmp_path / "model")
    with pytest.raises(UserError, match=r"no option 'max_los' .did you mean 'max_loss'"):
        bertkit.compress(folder, tmp_path / "int8", max_los=1)  # type: ignore[call-arg]
    with pytest.raises(UserError, match="give data"):
        bertkit.compress(folder, tmp_path / "int8")
    assert bertkit.compress(folder, tmp_path / "half", to="bf16", progress=False).loss is None
