from __future__ import annotations

from pathlib import Path

import pytest

import bertkit
from bertkit.errors import UserError
from tests.retrieval.made_index import write_files
from tests.workflows.small import make_model


def test_it_is_built_opened_searched_and_brought_up_to_date(tmp_path: Path) -> None:
    write_files(tmp_path / "docs", {"a.txt": "w1 w2 w3", "b.txt": "w4 w5 w6"})
    model = make_model(tmp_path / "model")
    built = bertkit.Index.build(tmp_path / "notes.idx", tmp_path / "docs", model=model, device="cpu", progress=False)
    assert repr(built).startswith(f"<bertkit.Index '{tmp_path}/notes.idx': 2 passages of 2 files, {model}, float16>")
    index = bertkit.Index(tmp_path / "notes.idx", device="cpu")
    found = index.search("w4 w5 w6", 1)
    assert (found[0].text.text, found.query, len(found), len(index)) == ("w4 w5 w6", "w4 w5 w6", 1, 2)
    write_files(tmp_path / "docs", {"c.txt": "w7"})
    assert index.update(progress=False).changed == 1
    assert index.search("w7", 1)[0].text.text == "w7"  # the same object sees it
    (tmp_path / "d.txt").write_text("w8")
    assert index.update([tmp_path / "d.txt"], progress=False).files == 4


def test_errors_name_arguments(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no such index"):
        bertkit.Index(tmp_path / "gone")
    with pytest.raises(UserError, match=r"no option 'precison' .did you mean 'precision'"):
        bertkit.Index.build(tmp_path / "notes.idx", tmp_path, precison="int8")
