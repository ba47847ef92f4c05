from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import pytest

from bertkit.corpora.shard_writer import IdType, ShardWriter, dtype_of
from bertkit.corpora.shards import Manifest, Shard, ShardEntry, Shards
from bertkit.errors import OutputError
from tests.corpora.shard_files import assert_hashes


def add(writer: ShardWriter, *sentences: list[int]) -> None:
    writer.add(
        np.array([id for ids in sentences for id in ids], np.uint32),
        np.array([len(ids) for ids in sentences], np.uint32),
    )


def opened(folder: Path, dtype: IdType, entries: list[ShardEntry]) -> list[Shard]:
    manifest = Manifest(
        vocab_sha256="", dtype=dtype, documents=0, sentences=0, tokens=0, settings={}, counts={}, shards=entries
    )
    shards = Shards(folder, manifest)
    assert_hashes(shards)
    return list(shards)


@pytest.mark.parametrize(("vocab_size", "dtype"), [(65_536, "uint16"), (65_537, "uint32")])
def test_ids_come_back_in_the_smallest_type(vocab_size: int, dtype: str, tmp_path: Path) -> None:
    assert dtype_of(vocab_size) == dtype
    entries: list[ShardEntry] = []
    writer = ShardWriter(tmp_path / "made", dtype_of(vocab_size), entries)
    add(writer, [1, 2, 3], [vocab_size - 1])
    assert writer.tokens == 4
    add(writer, [4])
    writer.finish()
    add(writer, [5, 6])
    writer.finish()
    one, two = opened(tmp_path / "made", dtype_of(vocab_size), entries)
    assert one.tokens.dtype == np.dtype(dtype)
    assert one.tokens.tolist() == [1, 2, 3, vocab_size - 1, 4]
    assert one.sentence_ends.tolist() == [0, 3, 4, 5]
    assert one.document_ends.tolist() == [0, 2, 3]
    assert (two.name, two.tokens.tolist(), two.document_ends.tolist()) == ("00001", [5, 6], [0, 1])


def test_hashes_are_those_of_the_files(tmp_path: Path) -> None:
    entries: list[ShardEntry] = []
    writer = ShardWriter(tmp_path, "uint16", entries)
    add(writer, [1, 2])
    writer.finish()
    found = {path.suffix[1:]: hashlib.sha256(path.read_bytes()).hexdigest() for path in tmp_path.iterdir()}
    assert found == entries[0].sha256


def test_a_shard_without_a_document_is_none(tmp_path: Path) -> None:
    entries: list[ShardEntry] = []
    ShardWriter(tmp_path / "made", "uint16", entries).finish()
    assert entries == []
    assert not (tmp_path / "made").exists()


def test_a_shard_that_is_given_up_leaves_nothing(tmp_path: Path) -> None:
    writer = ShardWriter(tmp_path, "uint16", [])
    add(writer, [1])
    assert {path.suffix for path in tmp_path.iterdir()} == {".partial"}
    writer.close()
    assert list(tmp_path.iterdir()) == []


def test_a_place_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(OutputError, match="file: cannot be written: File exists"):
        add(ShardWriter(tmp_path / "file", "uint16", []), [1])
