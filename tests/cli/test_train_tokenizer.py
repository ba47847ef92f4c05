from __future__ import annotations

import hashlib
import json
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from bertkit.tokenization.tokenizer import Tokenizer

Run = Callable[..., tuple[int, str, str]]
TEXT = "The cat sat on the mat.\nThe Cat and the hat\n\nA cat, a hat, a mat\n" * 3


@pytest.fixture
def corpus(tmp_path: Path) -> str:
    path = tmp_path / "corpus.txt"
    path.write_text(TEXT)
    return str(path)


def test_a_folder_that_opens_here_and_in_transformers(run: Run, corpus: str, tmp_path: Path) -> None:
    transformers = pytest.importorskip("transformers")
    folder = tmp_path / "made"
    code, out, err = run("train-tokenizer", corpus, "-o", str(folder), "--vocab-size", "60", "--json")
    assert (code, err) == (0, "")
    record = json.loads(out)
    assert record.pop("seconds") >= 0
    digest = hashlib.sha256((folder / "vocab.txt").read_bytes()).hexdigest()
    pieces = (folder / "vocab.txt").read_text().splitlines()
    assert record == {
        "folder": str(folder),
        "kind": "wordpiece",
        "pieces": len(pieces),
        "lines": 12,
        "words": 60,
        "different_words": 10,
        "reproducible": True,
        "vocab_sha256": digest,
    }
    names = ["special_tokens_map.json", "tokenizer.json", "tokenizer_config.json", "vocab.txt"]
    assert sorted(path.name for path in folder.iterdir()) == names
    assert pieces[:5] == ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    tokenizer = Tokenizer.load(folder)
    assert [tokenizer.token(id) for id in tokenizer.tokenize(["THE cat sat"])[0].ids] == ["the", "cat", "sat"]
    peer = transformers.AutoTokenizer.from_pretrained(folder)
    assert peer("THE cat, sat")["input_ids"] == [2, *tokenizer.tokenize(["the cat, sat"])[0].ids, 3]


def test_options_reach_the_trainer(run: Run, corpus: str, tmp_path: Path) -> None:
    def pieces(*options: str) -> list[str]:
        folder = tmp_path / "-".join(["made", *options])
        assert run("train-tokenizer", corpus, "-o", str(folder), *options)[0] == 0
        return (folder / "vocab.txt").read_text().splitlines()

    usual = pieces()
    assert "The" in pieces("--cased")
    assert "The" not in usual
    assert pieces("--unused", "2")[5:7] == ["[unused0]", "[unused1]"]
    assert len(pieces("--min-frequency", "7")) < len(usual)
    assert len(pieces("--limit-alphabet", "5")) < len(usual)
    assert pieces("--processes", "2") == usual


def test_a_person_gets_a_summary(run: Run, corpus: str, tmp_path: Path) -> None:
    code, out, err = run("train-tokenizer", corpus, "-o", str(tmp_path / "made"))
    assert (code, err) == (0, "")
    assert "different words  10" in out
    assert "reproducible     yes" in out
    assert "vocab sha256     " in out


@pytest.mark.parametrize(("kind", "size"), [("bpe", "300"), ("unigram", "40")])
def test_the_librarys_kinds_are_labelled(kind: str, size: str, run: Run, corpus: str, tmp_path: Path) -> None:
    folder = tmp_path / "made"
    code, out, err = run("train-tokenizer", corpus, "-o", str(folder), "--kind", kind, "--vocab-size", size, "--json")
    assert code == 0
    assert err == f"a {kind} vocabulary is not reproducible: another run can give another one\n"
    record = json.loads(out)
    assert (record["reproducible"], record["words"], record["lines"]) == (False, None, 12)
    assert record["vocab_sha256"] == Tokenizer.load(folder).vocab_sha256()


@pytest.mark.parametrize(
    ("content", "options", "says"),
    [
        ("", [], "no text in the corpus"),
        ("\n  \n", [], "no text in the corpus"),
        ("", ["--kind", "bpe"], "no text in the corpus"),
        ("", ["--kind", "unigram"], "no text in the corpus"),
        ("fine\nb\udcffd\n", [], ":2: not valid UTF-8"),
        ("some text", ["--vocab-size", "9"], "a vocabulary of 9 has no room"),
        ("some text", ["--vocab-size", "0"], "Invalid value for '--vocab-size'"),
        ("some text", ["--kind", "bpe", "--cased"], "--cased, --limit-alphabet and --unused are not for --kind bpe"),
        ("some text", ["--kind", "unigram", "--min-frequency", "3"], "--min-frequency is not for --kind unigram"),
        ("some text", ["--kind", "wordpieces"], "Invalid value for '--kind'"),
    ],
)
def test_what_cannot_be(content: str, options: list[str], says: str, run: Run, tmp_path: Path) -> None:
    corpus = tmp_path / "corpus.txt"
    corpus.write_bytes(content.encode(errors="surrogateescape"))
    code, out, err = run("train-tokenizer", str(corpus), "-o", str(tmp_path / "made"), *options)
    assert (code, out) == (2, "")
    assert says in err
    assert [path.name for path in tmp_path.iterdir()] == ["corpus.txt"]


def test_a_folder_that_is_in_use(run: Run, corpus: str, tmp_path: Path) -> None:
    code, _, err = run("train-tokenizer", corpus, "-o", str(tmp_path))
    assert code == 1
    assert "is there already and not empty" in err


def test_an_interrupt_leaves_nothing_behind(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "bertkit", "train-tokenizer", "-", "-o", str(tmp_path / "made")]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdin is not None
        for _ in range(3):
            process.stdin.write(b"some words of text\n" * 250_000)  # more than a chunk: the processes have started
        process.stdin.flush()
        process.send_signal(signal.SIGINT)
        assert process.stderr is not None
        assert process.wait(timeout=120) == 130
        assert process.stderr.read() == b"interrupted\n"
        process.stdin.close()
    assert list(tmp_path.iterdir()) == []


def test_torch_is_not_imported(corpus: str, tmp_path: Path) -> None:
    script = (
        "import sys; from bertkit.cli.main import main; code = main(sys.argv[1:]);"
        "print('torch' in sys.modules, code, file=sys.stderr)"
    )
    command = [sys.executable, "-c", script, "train-tokenizer", corpus, "-o", str(tmp_path / "made")]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stderr == "False 0\n"
