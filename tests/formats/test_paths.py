from __future__ import annotations

from pathlib import Path

import pytest

from bertkit.errors import InputError
from bertkit.formats.paths import each_path


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("b.csv", "a.jsonl.gz", ".hidden.csv", "notes.md", "c.txt"):
        (tmp_path / name).touch()
    (tmp_path / "inner").mkdir()
    (tmp_path / "inner" / "d.csv").touch()
    return tmp_path


def names(given: list[str], said: list[str] | None = None) -> list[str]:
    return [Path(path).name for path in each_path(given, ([] if said is None else said).append)]


def test_a_folder_stands_for_its_files_by_name(folder: Path) -> None:
    said: list[str] = []
    assert names([str(folder)], said) == ["a.jsonl.gz", "b.csv", "c.txt"]
    assert said == [f"{folder}: 3 of its 4 files are read, by their endings"]
    assert names([str(folder / "inner")], said) == ["d.csv"]
    assert len(said) == 1


def test_patterns_files_and_standard_input_keep_their_order(folder: Path) -> None:
    assert names([str(folder / "c.txt"), "-", str(folder / "*.csv")]) == ["c.txt", "-", "b.csv"]
    assert names([str(folder / "**" / "*.csv")]) == ["b.csv", "d.csv"]
    assert names(["gone.csv"]) == ["gone.csv"]  # who reads it says so


def test_a_name_with_a_bracket_is_a_file_where_there_is_one(folder: Path) -> None:
    (folder / "a[1].csv").touch()
    assert names([str(folder / "a[1].csv")]) == ["a[1].csv"]


def test_nothing_is_refused(folder: Path) -> None:
    with pytest.raises(InputError, match=r"\*\.tsv: no file is called so"):
        names([str(folder / "*.tsv")])
    (folder / "inner" / "d.csv").unlink()
    with pytest.raises(InputError, match="inner: no file of rows in this folder") as caught:
        names([str(folder / "inner")])
    assert ".jsonl" in caught.value.remedy
