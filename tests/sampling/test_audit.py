from __future__ import annotations

import json
from pathlib import Path

import pytest

from bertkit.config.training import Sequences
from bertkit.corpora.shards import Shards
from bertkit.sampling.audit import Audit, audit
from tests.corpora.shard_files import numbered_tokenizer, random_shard, shard_of, write_shards


def audited(tmp_path: Path, *shards: object, arrangement: Sequences = "next-sentence", length: int = 48) -> Audit:
    tokenizer = numbered_tokenizer(tmp_path / "vocabulary")
    written: Shards = write_shards(tmp_path / "shards", tokenizer, shards)  # type: ignore[arg-type]
    return audit(written, tokenizer, arrangement=arrangement, length=length)


def test_text_is_counted(tmp_path: Path) -> None:
    one, other = [[5, 6, 1], [7, 8]], [[9, 4, 10, 11], [12], [13, 14]]
    report = audited(tmp_path, shard_of([one, other, one]), shard_of([one, [[5, 6], [1, 7, 8]]])).text
    assert (report.documents, report.sentences, report.tokens) == (5, 11, 27)
    assert report.unknown_share == 4 / 27
    assert report.special_share == 1 / 27
    # The fifth has the same tokens in other sentences: the same text.
    assert report.duplicate_documents == 3
    assert report.duplicate_share == 3 / 5
    assert sum(report.sentence_lengths.counts) == 11
    assert sum(report.document_lengths.counts) == 5
    assert report.document_lengths.longest == 7
    assert report.document_lengths.median == 5
    assert report.sentence_lengths.mean == pytest.approx(27 / 11)


@pytest.mark.parametrize("arrangement", ["next-sentence", "sentence-order", "full-sentences", "documents"])
def test_what_is_made_of_it_is_counted(tmp_path: Path, arrangement: Sequences) -> None:
    shards = [random_shard(seed, documents=60, sentences=20) for seed in range(3)]
    whole = audited(tmp_path, *shards, arrangement=arrangement)
    report, batches = whole.samples, whole.batches
    assert report.samples == sum(report.lengths.counts)
    assert report.lengths.longest <= 48
    assert 0.13 < batches.masked_share < 0.18
    assert 0.0 < batches.filled <= 1.0
    assert 0.0 < batches.padded_to_length <= batches.padded_to_longest <= 1.0
    assert len(batches.examples) == 6
    assert "→" in batches.examples[0].text
    two = arrangement in ("next-sentence", "sentence-order")
    assert (report.not_next_share is not None) == two
    assert (report.trimmed_tokens > 0) == (report.left_out_sentences > 0) == two
    assert report.trimmed_samples_share == report.trimmed_samples / report.samples
    assert (report.false_pairs is not None) == (arrangement == "next-sentence")
    if report.false_pairs is not None:
        assert report.false_pairs.share == 0.0
        assert 0 < report.false_pairs.examined <= 5_000
    json.dumps(whole.record())


def test_examples_show_what_stood_there_and_what_stands_there(tmp_path: Path) -> None:
    report = audited(tmp_path, shard_of([[[5, 7], [8, 9]]] * 40), arrangement="sentence-order")
    for example in report.batches.examples:
        assert example.second in ("follows", "comes before")
        text = example.text
        for piece in ("w5", "w7", "w8", "w9"):
            shown = text.replace(f"{{{piece}→[MASK]}}", piece)
            assert piece in shown
        assert text.startswith("[CLS] ")
        assert text.endswith(" [SEP]")
