"""The programs in `benchmarks/`, where something that they need is not there."""

from __future__ import annotations

import runpy
import sys
from pathlib import Path

import pytest

from benchmarks.needed import data_folder

OF_THE_EXTRA = "contestants finetuning_contestants finetuning_defaults_peers gpu peers prepare pretraining_contestants"
LIBRARIES = ("transformers", "datasets", "sentence_transformers", "sklearn", "sklearn.metrics")


@pytest.mark.parametrize("name", OF_THE_EXTRA.split())
def test_a_library_that_is_not_installed_is_named_with_its_extra(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for library in LIBRARIES:
        monkeypatch.setitem(sys.modules, library, None)
    with pytest.raises(SystemExit) as ended:
        runpy.run_module(f"benchmarks.{name}", run_name="__main__")
    assert "is not installed\n  → Install what benchmarks need: pip install -e '.[benchmarks]'" in str(ended.value)


def test_a_program_without_its_data(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("BERTKIT_TEST_DATA", raising=False)
    monkeypatch.setattr(sys, "argv", ["finetuning_defaults", "--results", str(tmp_path / "results.jsonl")])
    with pytest.raises(SystemExit, match="BERTKIT_TEST_DATA is not set"):
        runpy.run_module("benchmarks.finetuning_defaults", run_name="__main__")
    monkeypatch.setenv("BERTKIT_TEST_DATA", str(tmp_path / "not"))
    with pytest.raises(SystemExit, match="which is no folder"):
        data_folder()
    monkeypatch.setenv("BERTKIT_TEST_DATA", str(tmp_path))
    assert data_folder() == tmp_path
