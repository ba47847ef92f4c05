from __future__ import annotations

import random
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from bertkit.corpora.prepare import prepare
from bertkit.corpora.prepare_state import PreparationRecipe
from bertkit.corpora.shards import Manifest, open_shards
from bertkit.errors import InputError
from bertkit.tokenization.tokenizer import Tokenizer
from tests.corpora.prepared import RECIPE, WORDS, documents_of, files_of, ids_of, texts, write
from tests.corpora.shard_files import assert_hashes


@pytest.fixture(scope="module")
def vocab(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("vocab") / "vocab.txt"
    path.write_text("\n".join(["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *WORDS]) + "\n")
    return path


@pytest.fixture(scope="module")
def tokenizer(vocab: Path) -> Tokenizer:
    return Tokenizer.load_file(vocab)


def test_every_document_once_in_order(tokenizer: Tokenizer, tmp_path: Path) -> None:
    given = texts(400)
    manifest = prepare([write(tmp_path / "c.jsonl", given)], tmp_path / "made", tokenizer, RECIPE)
    kept = [text for text in dict.fromkeys(given) if text != "\x01"]
    assert list(documents_of(tmp_path / "made")) == [ids_of(tokenizer, text) for text in kept]
    shards = open_shards(tmp_path / "made")
    assert_hashes(shards)
    assert shards.manifest == manifest
    assert len(shards) > 3
    assert all(RECIPE.shard_tokens <= shard.tokens < RECIPE.shard_tokens + 120 for shard in manifest.shards[:-1])
    assert manifest.counts["documents_read"] == 400
    assert manifest.counts["no_tokens"] == given.count("\x01")
    assert manifest.counts["exact_duplicate"] == 400 - len(kept) - given.count("\x01")
    assert manifest.documents == len(kept) == sum(shard.documents for shard in shards)
    assert manifest.tokens == sum(len(shard.tokens) for shard in shards)
    opened = Tokenizer.load(tmp_path / "made" / "tokenizer")
    assert opened.vocab_sha256() == manifest.vocab_sha256 == tokenizer.vocab_sha256()


def test_the_number_of_processes_changes_nothing(
    tokenizer: Tokenizer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bertkit.corpora.prepared_chunk.chunks_of.__defaults__", (3_000,))
    path = write(tmp_path / "c.jsonl", texts(300))
    recipe = RECIPE.model_copy(update={"held_out": 0.1})
    for processes in (1, 2, 3):
        prepare([path], tmp_path / str(processes), tokenizer, recipe, processes=processes)
    one = files_of(tmp_path / "1")
    assert {name.partition(".")[2] for name in one} >= {"tokens", "sentences", "documents", "json"}
    assert one == files_of(tmp_path / "2") == files_of(tmp_path / "3")


def test_more_ids_than_uint16_has(tmp_path: Path) -> None:
    vocab = tmp_path / "big.txt"
    vocab.write_text("\n".join(["[PAD]", "[UNK]", "[CLS]", "[SEP]", *(f"w{n}" for n in range(70_000))]) + "\n")
    path = write(tmp_path / "c.jsonl", ["w0 w69999"])
    manifest = prepare([path], tmp_path / "made", Tokenizer.load_file(vocab), RECIPE)
    assert manifest.dtype == "uint32"
    assert list(documents_of(tmp_path / "made")) == [[[4, 70_003]]]


def test_append(tokenizer: Tokenizer, tmp_path: Path) -> None:
    first, second = texts(200), texts(200, seed=1) + texts(50)
    paths = [write(tmp_path / "1.jsonl", first), write(tmp_path / "2.jsonl", second)]
    made = tmp_path / "made"
    before = prepare(paths[:1], made, tokenizer, RECIPE)
    after = prepare(paths[1:], made, tokenizer, RECIPE, append=True)
    assert after.shards[: len(before.shards)] == before.shards
    prepare(paths, tmp_path / "once", tokenizer, RECIPE)
    assert list(documents_of(made)) == list(documents_of(tmp_path / "once"))
    assert after.counts == open_shards(tmp_path / "once").manifest.counts
    whole = files_of(made)
    assert prepare(paths[1:], made, tokenizer, RECIPE, append=True) == after  # killed after its last write, run again
    assert files_of(made) == whole


def test_a_finished_run_again_does_nothing(tokenizer: Tokenizer, tmp_path: Path) -> None:
    path = write(tmp_path / "c.jsonl", texts(50))
    manifest = prepare([path], tmp_path / "made", tokenizer, RECIPE)
    calls: list[int] = []
    assert prepare([path], tmp_path / "made", tokenizer, RECIPE, progress=calls.append) == manifest
    assert calls == []


def test_a_bad_line_is_named_and_what_was_done_is_kept(tokenizer: Tokenizer, tmp_path: Path) -> None:
    path = tmp_path / "c.jsonl"
    write(path, texts(100))
    good = path.read_bytes()
    path.write_bytes(good + b'{"text": "\xff"}\n')
    with pytest.raises(InputError, match=r"c\.jsonl:101: not valid UTF-8"):
        prepare([str(path)], tmp_path / "made", tokenizer, RECIPE)
    path.write_bytes(good)
    prepare([str(path)], tmp_path / "made", tokenizer, RECIPE)
    prepare([str(path)], tmp_path / "again", tokenizer, RECIPE)
    assert files_of(tmp_path / "made") == files_of(tmp_path / "again")


@pytest.mark.parametrize("content", ["", '{"text": ""}\n{"text": " "}\n'])
def test_nothing_left(content: str, tokenizer: Tokenizer, tmp_path: Path) -> None:
    (tmp_path / "c.jsonl").write_text(content)
    with pytest.raises(InputError, match="nothing is left of the corpus"):
        prepare([str(tmp_path / "c.jsonl")], tmp_path / "made", tokenizer, RECIPE)
    assert not (tmp_path / "made/manifest.json").exists()


def command(corpus: Sequence[str], folder: Path, vocab: Path, *more: str) -> list[str]:
    options = ["-o", str(folder), "--vocab", str(vocab), "--no-filters", *more]
    return [sys.executable, "-m", "bertkit", "prepare", *corpus, *options]


# The program kills itself: another process may come to it long after the moment, on a busy machine.
KILLED = """
import os, signal, sys, threading, time
from pathlib import Path
from bertkit.cli.main import main
folder, shards, delay_seconds, *arguments = sys.argv[1:]
def kill():
    while len(list(Path(folder).glob("*.documents"))) < int(shards):
        time.sleep(0.001)
    time.sleep(float(delay_seconds))
    os.kill(os.getpid(), signal.SIGKILL)
threading.Thread(target=kill, daemon=True).start()
sys.exit(main(arguments))
"""


def kill_after(shards: int, arguments: list[str], folder: Path, delay_seconds: float) -> None:
    """Runs a command that is killed when so many shards are there, and a little later."""
    killed = [sys.executable, "-c", KILLED, str(folder), str(shards), str(delay_seconds), *arguments[3:]]
    # Ends when the last of its processes has ended. Python itself may warn of what the killed one did not put away.
    done = subprocess.run(killed, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, check=False)
    assert b"Error" not in done.stderr


def test_killed_and_run_again_the_bytes_are_the_same(vocab: Path, tokenizer: Tokenizer, tmp_path: Path) -> None:
    chance = random.Random(3)
    corpus = [write(tmp_path / f"{n}.jsonl", texts(9_000, seed=n)) for n in range(2)]
    options = ["--shard-tokens", "20000", "--held-out", "0.05", "--processes", "1", "--no-near-duplicates"]
    recipe = PreparationRecipe(filters=None, duplicates="exact", held_out=0.05, shard_tokens=20_000)
    whole = prepare(corpus, tmp_path / "whole", tokenizer, recipe)
    assert len(whole.shards) > 12
    made = tmp_path / "made"
    for shards in (1, 5, 9):
        kill_after(shards, command(corpus, made, vocab, *options), made, chance.random() / 50)
        assert not (made / "manifest.json").exists()
    assert prepare(corpus, made, tokenizer, recipe) == whole
    assert files_of(made) == files_of(tmp_path / "whole")


@pytest.mark.slow
@pytest.mark.data
def test_ten_kills_on_real_text(test_data: Path, tmp_path: Path) -> None:
    chance = random.Random(4)
    corpus = [str(test_data / f"wikipedia/wiki_{n:02}.txt.gz") for n in range(2)]
    vocab = test_data / "vocab/bert-base-uncased-vocab.txt"
    options = ["--shard-tokens", "150000", "--held-out", "0.02", "--processes", "2"]
    subprocess.run(command(corpus, tmp_path / "whole", vocab, *options), check=True, stdout=subprocess.DEVNULL)
    made = tmp_path / "made"
    for kill in range(10):
        kill_after(2 * kill, command(corpus, made, vocab, *options), made, chance.random() * 2)
    subprocess.run(command(corpus, made, vocab, *options), check=True, stdout=subprocess.DEVNULL)
    assert files_of(made) == files_of(tmp_path / "whole")


def test_a_full_disk(vocab: Path, tmp_path: Path) -> None:
    corpus = [write(tmp_path / "c.jsonl", texts(3_000))]
    limited = (
        "import resource, sys; resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000));"
        "from bertkit.cli.main import main; sys.exit(main(sys.argv[1:]))"
    )
    arguments = command(corpus, tmp_path / "made", vocab, "--processes", "1", "--keep-duplicates")
    done = subprocess.run([sys.executable, "-c", limited, *arguments[3:]], capture_output=True, text=True)
    assert done.returncode == 1
    assert done.stderr.startswith("error: ")
    assert "cannot be written: File too large" in done.stderr
    assert done.stderr.count("\n") == 2
    subprocess.run(arguments, check=True, stdout=subprocess.DEVNULL)
    assert np.sum(open_shards(tmp_path / "made").manifest.documents) > 2_000


def test_manifest_says_how_it_was_made(tokenizer: Tokenizer, tmp_path: Path) -> None:
    path = write(tmp_path / "c.jsonl", texts(9))
    prepare([path], tmp_path / "made", tokenizer, RECIPE)
    manifest: Manifest = open_shards(tmp_path / "made").manifest
    assert manifest.settings["duplicates"] == "exact"
    assert manifest.settings["sources"] == [
        {"path": path, "format": None, "text_column": "text", "bytes": Path(path).stat().st_size}
    ]
