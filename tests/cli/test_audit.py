from __future__ import annotations

import json
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import pytest

from bertkit.cli.audit import audit
from tests.corpora.shard_files import numbered_tokenizer, random_shard, write_shards


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("audit")
    shards = [random_shard(seed, documents=40) for seed in range(2)]
    return write_shards(place / "shards", numbered_tokenizer(place / "vocabulary"), shards).folder


def test_text_says_what_is_in_the_shards_and_what_is_made_of_them(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    audit(str(folder), sequences="next-sentence", length=48, picture=None, json=False)
    text = capsys.readouterr().out
    for words in (
        "duplicate documents",
        "tokens trimmed",
        "falsely from elsewhere",
        "if padded to",
        "█",
        "→",
        "second part",
    ):
        assert words in text


def test_json_is_one_record_of_the_same(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    audit(str(folder), sequences="documents", length=48, picture=None, json=True)
    record = json.loads(capsys.readouterr().out)
    assert record["text"]["documents"] == 80
    assert record["samples"]["false_pairs"] is None
    assert record["samples"]["not_next_share"] is None
    assert sum(record["text"]["sentence_lengths"]["counts"]) == record["text"]["sentences"]
    assert set(record["batches"]) >= {"filled", "padded_to_length", "padded_to_longest", "masked_share"}


def test_the_picture_is_one_page_that_needs_nothing_else(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    audit(str(folder), sequences="sentence-order", length=48, picture=str(tmp_path / "audit.html"), json=True)
    html = (tmp_path / "audit.html").read_text(encoding="utf-8")
    assert "http" not in html
    assert "<script" not in html
    drawings = html.split("<svg")[1:]
    assert len(drawings) == 3
    for drawing in drawings:
        ElementTree.fromstring("<svg" + drawing.split("</svg>")[0] + "</svg>")
    assert '<b class="mask">{' in html
