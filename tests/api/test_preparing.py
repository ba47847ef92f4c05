from __future__ import annotations

from pathlib import Path

import pytest

import bertkit
from bertkit.corpora.shards import open_shards
from bertkit.errors import UserError
from tests.cli.test_prepare import LINES, PIECES


def test_a_corpus_becomes_shards(tmp_path: Path) -> None:
    (tmp_path / "corpus.txt").write_text("\n".join(LINES))
    (tmp_path / "pieces.txt").write_text("\n".join(PIECES))
    how = {"vocab": tmp_path / "pieces.txt", "format": "lines", "no_filters": True, "processes": 1}
    made = bertkit.prepare(tmp_path / "corpus.txt", tmp_path / "one", **how)
    again = bertkit.prepare([str(tmp_path / "corpus.txt")], str(tmp_path / "two"), progress=False, **how)
    assert made.manifest == open_shards(tmp_path / "one").manifest
    assert again.manifest.sha256() == made.manifest.sha256()
    with pytest.raises(UserError, match=r"prepare\(\): no option 'held' \(did you mean 'held_out'\?\)"):
        bertkit.prepare("corpus", "shards", held=0.1)
    with pytest.raises(UserError, match=r"prepare\(\): 'held_out'"):
        bertkit.prepare("corpus", "shards", held_out=2)
