from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from bertkit.config.indexing import IndexConfig
from bertkit.errors import UserError
from bertkit.server.loading import ModelSpec
from bertkit.server.served_index import ServedIndex
from bertkit.tokenization.windows import LongText
from bertkit.workflows.index import index
from tests.retrieval.made_index import write_files


def made(folder: Path, model: Path | None, name: str = "notes.idx", **given: str) -> Path:
    write_files(folder / "docs", {"a.txt": "w1 w2"})
    config = {"model": str(model), "device": "cpu", "dtype": "float32", **given}
    index(IndexConfig(index=str(folder / name), sources=[str(folder / "docs")], **config))  # type: ignore[arg-type]
    return folder / name


def test_its_model_is_served_under_its_name(folders: Mapping[str, Path | None], tmp_path: Path) -> None:
    opened = ServedIndex.open(made(tmp_path, folders["vectors"], query_prompt="w9 "))
    how = {"prompt": "query", "dtype": "float32", "revision": None}
    assert opened.spec == ModelSpec("notes", str(folders["vectors"]), "sentence-embedding", how)
    assert (opened.manner.long, opened.manner.options) == (LongText.WINDOW, (("prompt", "w9 "),))
    assert ServedIndex.open(made(tmp_path, folders["vectors"], "my notes")).name == "index"


def test_there_must_be_one(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no such index"):
        ServedIndex.open(tmp_path / "gone")
