from __future__ import annotations

import fcntl
from pathlib import Path

import pytest

from bertkit.corpora.prepare import prepare
from bertkit.errors import OutputError, UserError
from bertkit.tokenization.tokenizer import Tokenizer
from tests.corpora.prepared import RECIPE, WORDS, files_of, texts, write


@pytest.fixture(scope="module")
def vocab(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("vocab") / "vocab.txt"
    path.write_text("\n".join(["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *WORDS]) + "\n")
    return path


@pytest.fixture(scope="module")
def tokenizer(vocab: Path) -> Tokenizer:
    return Tokenizer.load_file(vocab)


def test_other_options_in_a_folder_in_use(tokenizer: Tokenizer, tmp_path: Path) -> None:
    path, other = write(tmp_path / "c.jsonl", texts(50)), write(tmp_path / "d.jsonl", texts(9, seed=2))
    made = tmp_path / "made"
    with pytest.raises(UserError, match="has no shards to append to"):
        prepare([path], made, tokenizer, RECIPE, append=True)
    prepare([path], made, tokenizer, RECIPE)
    before = files_of(made)
    with pytest.raises(UserError, match=r"was made with held_out 0\.0, not 0\.5"):
        prepare([path], made, tokenizer, RECIPE.model_copy(update={"held_out": 0.5}))
    with pytest.raises(UserError, match=r"was made from other files: .*c\.jsonl, now .*d\.jsonl") as caught:
        prepare([other], made, tokenizer, RECIPE)
    assert "--append" in caught.value.remedy
    with pytest.raises(UserError, match="shard_tokens 2000, not 5"):
        prepare([other], made, tokenizer, RECIPE.model_copy(update={"shard_tokens": 5}), append=True)
    write(tmp_path / "c.jsonl", texts(60))
    with pytest.raises(UserError, match=r"c\.jsonl has changed"):
        prepare([path], made, tokenizer, RECIPE)
    (tmp_path / "cased.txt").write_text("[UNK]\n[CLS]\n[SEP]\nthe\n")
    with pytest.raises(UserError, match="another tokenizer"):
        prepare([path], made, Tokenizer.load_file(tmp_path / "cased.txt"), RECIPE)
    assert files_of(made) == before


def test_a_folder_of_something_else(tokenizer: Tokenizer, tmp_path: Path) -> None:
    path = write(tmp_path / "c.jsonl", texts(9))
    with pytest.raises(OutputError, match="is there already and not empty"):
        prepare([path], tmp_path, tokenizer, RECIPE)
    with pytest.raises(OutputError, match="nowhere/made: cannot be written: No such file or directory"):
        prepare([path], tmp_path / "nowhere/made", tokenizer, RECIPE)
    assert [path.name for path in tmp_path.iterdir()] == ["c.jsonl"]


def test_one_run_at_a_time(tokenizer: Tokenizer, tmp_path: Path) -> None:
    path = write(tmp_path / "c.jsonl", texts(9))
    prepare([path], tmp_path / "made", tokenizer, RECIPE)
    with (tmp_path / "made/.prepare/lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with pytest.raises(OutputError, match="another run writes there"):
            prepare([path], tmp_path / "made", tokenizer, RECIPE)
