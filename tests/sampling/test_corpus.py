from __future__ import annotations

from pathlib import Path

import pytest

from bertkit.config.training import DataTable, Masking
from bertkit.errors import ConfigError, InputError
from bertkit.sampling.corpus import Corpus
from bertkit.sampling.stream import Position
from tests.corpora.shard_files import numbered_tokenizer, random_shard, write_shards


def made(place: Path, words: int = 95, seed: int = 1) -> str:
    tokenizer = numbered_tokenizer(place / "vocabulary", words)
    write_shards(place / "shards", tokenizer, [random_shard(seed, documents=9, vocab=words + 5)])
    return str(place / "shards")


def opened(**values: object) -> Corpus:
    return Corpus.open(DataTable.model_validate(values))


def test_held_out_shards_lie_inside_or_where_the_file_says(tmp_path: Path) -> None:
    one, other = made(tmp_path / "one"), made(tmp_path / "other", seed=2)
    assert opened(shards=one).held_out == []
    assert [each.folder for each in opened(shards=[one, other]).shards] == [Path(one), Path(other)]
    assert [each.folder for each in opened(shards=one, held_out=other).held_out] == [Path(other)]
    write_shards(Path(one) / "held-out", numbered_tokenizer(tmp_path / "v"), [random_shard(3, documents=4)])
    assert [each.folder for each in opened(shards=one).held_out] == [Path(one) / "held-out"]
    assert [each.folder for each in opened(shards=one, held_out=other).held_out] == [Path(other)]


@pytest.mark.parametrize("held_out", [True, False])
def test_all_shards_are_of_one_vocabulary(held_out: bool, tmp_path: Path) -> None:
    one, other = made(tmp_path / "one"), made(tmp_path / "other", words=60)
    values = {"shards": one, "held_out": other} if held_out else {"shards": [one, other]}
    with pytest.raises(ConfigError, match="has another vocabulary than"):
        opened(**values)
    with pytest.raises(InputError, match="no manifest"):
        opened(shards=one, held_out=str(tmp_path))


def test_a_stream_is_arranged_as_the_table_says(tmp_path: Path) -> None:
    table = DataTable.model_validate({"shards": made(tmp_path), "sequences": "documents"})
    corpus = Corpus.open(table)
    stream = corpus.stream(corpus.shards, table, Masking(rate=0.3), seed=4)
    batch, _ = next(stream.batches(Position(), length=48, batch_tokens=2000))
    packed = batch.pack(range(len(batch.lengths)))
    assert len(packed.targets["second_B"]) == 0  # sequences of one part
    assert 0.2 < len(packed.targets["masked_M"]) / len(packed.ids_T) < 0.4
