from __future__ import annotations

from pathlib import Path

import pytest

from bertkit.config.preparing import AuditConfig, PrepareConfig
from bertkit.corpora.shards import open_shards
from bertkit.errors import ModelNotFound, UserError
from bertkit.workflows.audit import audit
from bertkit.workflows.prepare import prepare
from tests.cli.test_prepare import LINES, PIECES


@pytest.fixture
def config(tmp_path: Path) -> PrepareConfig:
    (tmp_path / "corpus.txt").write_text("\n".join(LINES))
    (tmp_path / "pieces.txt").write_text("\n".join(PIECES))
    return PrepareConfig(
        corpus=[str(tmp_path / "corpus.txt")],
        output=str(tmp_path / "<made>"),
        vocab=str(tmp_path / "pieces.txt"),
        format="lines",
        no_filters=True,
        processes=1,
    )


def test_what_was_made(config: PrepareConfig) -> None:
    told: list[int] = []
    made = prepare(config, progress=told.append)
    assert sum(told) == made.text_bytes == sum(map(len, LINES))
    assert made.manifest == open_shards(made.folder).manifest
    assert made.record()["tokens"] == made.manifest.tokens > 0
    assert repr(made).startswith(f"<bertkit.PreparedShards {made.manifest.documents} documents, ")
    html = made._repr_html_()
    assert "&lt;made&gt;" in html
    assert "exact duplicate" in html


def test_what_cannot_be(config: PrepareConfig) -> None:
    with pytest.raises(UserError, match="is a filter"):
        prepare(config.model_copy(update={"min_characters": 3}))
    with pytest.raises(ModelNotFound, match="no such file"):
        prepare(config.model_copy(update={"vocab": "away/vocab.txt"}))


def test_shards_are_audited(config: PrepareConfig, tmp_path: Path) -> None:
    made = prepare(config)
    picture = tmp_path / "audit.html"
    told: list[int] = []
    job = AuditConfig(shards=str(made.folder), sequences="documents", length=16, picture=str(picture))
    found = audit(job, progress=told.append)
    assert found.text.tokens == made.manifest.tokens == sum(told)
    assert "<svg" in picture.read_text(encoding="utf-8")
