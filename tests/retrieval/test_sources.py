from __future__ import annotations

from pathlib import Path

import pytest

from bertkit.errors import InputError
from bertkit.retrieval.sources import below, digest_of, source_files
from tests.retrieval.made_index import write_files


def test_folders_give_what_can_be_read_in_the_order_of_paths(tmp_path: Path) -> None:
    names = ("b.md", "a.TXT", "in/c.html", ".hidden/d.md", "in/.e.md", "f.py", "g.py", "notes.idx/passages.sqlite")
    write_files(tmp_path, dict.fromkeys(names, "x"))
    found = source_files([str(tmp_path), str(tmp_path / "b.md")])
    assert [file.relative_to(tmp_path).as_posix() for file in found.files] == ["a.TXT", "b.md", "in/c.html"]
    assert found.passed_over == {".py": 2}


def test_what_is_not_there_or_cannot_be_read_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such file or folder"):
        source_files([str(tmp_path / "gone")])
    write_files(tmp_path, {"a.py": "x"})
    with pytest.raises(InputError, match="of a kind that cannot be indexed") as caught:
        source_files([str(tmp_path / "a.py")])
    assert ".pdf" in caught.value.remedy


def test_a_file_is_below_its_folder_and_itself(tmp_path: Path) -> None:
    assert below(str(tmp_path / "a/b.md"), [str(tmp_path / "a")])
    assert below(str(tmp_path / "b.md"), [str(tmp_path / "b.md")])
    assert not below(str(tmp_path / "ab/b.md"), [str(tmp_path / "a")])


def test_a_digest_is_of_the_content(tmp_path: Path) -> None:
    write_files(tmp_path, {"a.md": "x", "b.md": "x", "c.md": "y"})
    a, b, c = (digest_of(tmp_path / name) for name in ("a.md", "b.md", "c.md"))
    assert a == b != c
    with pytest.raises(InputError, match="cannot be read"):
        digest_of(tmp_path / "gone")
    with pytest.raises(InputError, match="its name is not UTF-8"):
        digest_of(tmp_path / "\udcff.txt")
