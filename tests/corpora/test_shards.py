from __future__ import annotations

import json
from itertools import pairwise
from pathlib import Path

import pytest

from bertkit.corpora.shards import MANIFEST, Shards, open_shards
from bertkit.errors import ConfigError, InputError
from tests.corpora.shard_files import numbered_tokenizer, shard_of, write_shards

DOCUMENTS = ([[[5, 6], [7]], [[8]]], [], [[[9, 10, 11]]])


@pytest.fixture
def shards(tmp_path: Path) -> Shards:
    tokenizer = numbered_tokenizer(tmp_path / "tokenizer")
    return write_shards(tmp_path / "shards", tokenizer, [shard_of(documents) for documents in DOCUMENTS])


def test_what_was_written_is_mapped(shards: Shards) -> None:
    assert [shard.name for shard in shards] == ["00000", "00001", "00002"]
    for shard, documents in zip(shards, DOCUMENTS, strict=True):
        ends, tokens = shard.sentence_ends.tolist(), shard.tokens.tolist()
        sentences = [tokens[start:stop] for start, stop in pairwise(ends)]
        starts = shard.document_ends.tolist()
        found = [sentences[start:stop] for start, stop in pairwise(starts)]
        assert found == list(documents)
        assert shard.documents == len(documents)
    assert not shards[0].tokens.flags.writeable


def test_the_fingerprint_is_of_the_vocabulary_and_every_file_in_order(shards: Shards) -> None:
    manifest, found = shards.manifest, {shards.manifest.sha256()}
    turned = manifest.model_copy(update={"shards": manifest.shards[::-1]})
    part = manifest.shards[0].model_copy(update={"sha256": {**manifest.shards[0].sha256, "sentences": "other"}})
    for other in (
        turned,
        manifest.model_copy(update={"vocab_sha256": "other"}),
        manifest.model_copy(update={"shards": [part, *manifest.shards[1:]]}),
    ):
        found.add(other.sha256())
    assert len(found) == 4
    assert manifest.model_copy(update={"settings": {"any": "other"}}).sha256() == manifest.sha256()


def test_what_is_no_folder_of_shards(shards: Shards, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"no manifest\.json"):
        open_shards(tmp_path)
    tokens = shards.folder / "00002.tokens"
    tokens.write_bytes(tokens.read_bytes() + b"\0\0")
    with pytest.raises(InputError, match=r"00002\.tokens: is missing or has 8 bytes instead of 6"):
        open_shards(shards.folder)
    tokens.unlink()
    with pytest.raises(InputError, match=r"00002\.tokens: is missing or has 0 bytes instead of 6"):
        open_shards(shards.folder)
    path = shards.folder / MANIFEST
    path.write_text(json.dumps(json.loads(path.read_text()) | {"tokns": 5}))
    with pytest.raises(ConfigError, match=r"unknown key 'tokns' .did you mean 'tokens'"):
        open_shards(shards.folder)
    path.write_text("{")
    with pytest.raises(InputError, match=r"manifest\.json: not JSON"):
        open_shards(shards.folder)
