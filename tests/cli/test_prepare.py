from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from bertkit.corpora.shards import open_shards

Run = Callable[..., tuple[int, str, str]]
LINES = ["The cat sat on the mat.", "A hat, a mat. The cat and the hat!", "The cat sat on the mat.", "cat"]
PIECES = [
    "[PAD]",
    "[UNK]",
    "[CLS]",
    "[SEP]",
    "[MASK]",
    "the",
    "cat",
    "sat",
    "on",
    "mat",
    "a",
    "hat",
    "and",
    ".",
    ",",
    "!",
]
FREE = ("--no-filters", "--processes", "1")


@pytest.fixture
def corpus(tmp_path: Path) -> str:
    path = tmp_path / "corpus.txt"
    path.write_text("\n".join(LINES))
    return str(path)


@pytest.fixture
def vocab(tmp_path: Path) -> str:
    path = tmp_path / "pieces.txt"
    path.write_text("\n".join(PIECES))
    return str(path)


def test_a_record(run: Run, corpus: str, vocab: str, tmp_path: Path) -> None:
    folder = tmp_path / "made"
    code, out, err = run("prepare", corpus, "-o", str(folder), "--vocab", vocab, *FREE, "--json")
    assert (code, err) == (0, "")
    record = json.loads(out)
    assert record.pop("seconds") >= 0
    assert record.pop("megabytes_per_second") >= 0
    shards = open_shards(folder)
    assert record == {
        "folder": str(folder),
        "documents": 3,
        "sentences": 4,
        "tokens": 20,
        "shards": 1,
        "counts": {
            "documents_read": 4,
            "exact_duplicate": 1,
            "sentences_without_tokens": 0,
            "text_bytes": sum(map(len, LINES)),
        },
        "vocab_sha256": shards.manifest.vocab_sha256,
        "sha256": shards.manifest.sha256(),
    }
    assert shards[0].tokens[:7].tolist() == [5, 6, 7, 8, 5, 9, 13]


def test_a_person_gets_a_summary(run: Run, corpus: str, vocab: str, tmp_path: Path) -> None:
    code, out, err = run("prepare", corpus, "-o", str(tmp_path / "made"), "--vocab", vocab, *FREE)
    assert (code, err) == (0, "")
    assert "exact duplicate           1" in out


def test_options_reach_the_recipe(run: Run, corpus: str, vocab: str, tmp_path: Path) -> None:
    def made(*options: str) -> dict[str, int]:
        folder = tmp_path / "-".join(["made", *options])
        code, out, err = run("prepare", corpus, "-o", str(folder), "--vocab", vocab, *options, "--json")
        assert (code, err) == (0, "")
        return json.loads(out)

    assert made("--no-filters", "--keep-duplicates")["documents"] == 4
    assert made("--min-characters", "20")["counts"] == {
        "documents_read": 4,
        "exact_duplicate": 1,
        "sentences_without_tokens": 0,
        "short_words": 1,
        "text_bytes": sum(map(len, LINES)),
        "too_short": 1,
    }
    assert made("--no-filters", "--shard-tokens", "1")["shards"] == 3
    assert made("--no-filters", "--format", "text")["documents"] == 1


@pytest.mark.parametrize("name", ["folder", "vocab.txt", "tokenizer.json", None])
def test_where_the_vocabulary_comes_from(name: str | None, run: Run, corpus: str, vocab: str, tmp_path: Path) -> None:
    assert run("prepare", corpus, "-o", str(tmp_path / "1"), "--vocab", vocab, *FREE)[0] == 0
    folder = tmp_path / "1/tokenizer"
    options = [] if name is None else ["--vocab", str(folder if name == "folder" else folder / name)]
    code, out, err = run("prepare", corpus, "-o", str(tmp_path / "2"), *options, *FREE, "--json")
    assert (code, err) == (0, "")
    same = json.loads(out)["sha256"] == open_shards(tmp_path / "1").manifest.sha256()
    assert same == (name is not None)


def test_append(run: Run, corpus: str, vocab: str, tmp_path: Path) -> None:
    more = tmp_path / "more.txt"
    more.write_text("a cat\ncat\n")
    folder = str(tmp_path / "made")
    assert run("prepare", corpus, "-o", folder, "--vocab", vocab, *FREE)[0] == 0
    code, out, _ = run("prepare", str(more), "-o", folder, "--vocab", vocab, *FREE, "--append", "--json")
    record = json.loads(out)
    assert (code, record["documents"], record["counts"]["exact_duplicate"]) == (0, 4, 2)


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (["{corpus}"], 2, "a corpus and a folder for the shards are needed"),
        (["-o", "{made}"], 2, "a corpus and a folder for the shards are needed"),
        (["{corpus}.not", "-o", "{made}"], 2, "corpus.txt.not: no such file"),
        (["{empty}", "-o", "{made}"], 2, "nothing is left of the corpus"),
        (["{bad}", "-o", "{made}", "--format", "lines"], 2, "bad.txt:2: not valid UTF-8"),
        (["{corpus}", "-o", "{corpus}"], 1, "corpus.txt: cannot be written"),
        (["{corpus}", "-o", "/proc/made"], 1, "/proc/made: cannot be written"),
        (["{corpus}", "-o", "{made}", "--append"], 2, "has no shards to append to"),
        (["{corpus}", "-o", "{made}", "--min-characters", "3"], 2, "--min-characters is a filter"),
        (["{corpus}", "-o", "{made}", "--held-out", "1.5"], 2, "Invalid value for '--held-out'"),
        (["{corpus}", "-o", "{made}", "--format", "csv"], 2, "Invalid value for '--format'"),
        (["{corpus}", "-o", "{made}", "--vocab", "{made}/vocab.txt"], 2, "made/vocab.txt: no such file"),
        (["{corpus}", "-o", "{made}", "--vocab", "{corpus}"], 2, "corpus.txt: no piece for the special token '[UNK]'"),
    ],
)
def test_what_cannot_be(
    arguments: list[str], code: int, says: str, run: Run, corpus: str, vocab: str, tmp_path: Path
) -> None:
    (tmp_path / "empty.txt").touch()
    (tmp_path / "bad.txt").write_bytes(b"fine\nb\xfd\n")
    places = {"corpus": corpus} | {name: str(tmp_path / name) for name in ("made",)}
    places |= {name: str(tmp_path / f"{name}.txt") for name in ("empty", "bad")}
    vocabulary = [] if "--vocab" in arguments else ["--vocab", vocab]
    found, out, err = run("prepare", *(part.format(**places) for part in arguments), *vocabulary, *FREE)
    assert (found, out) == (code, "")
    assert says in err
    assert err.count("\n") == 2


def test_an_interrupt_ends_at_once(vocab: str, tmp_path: Path) -> None:
    folder = tmp_path / "made"
    arguments = ["prepare", "-", "-o", str(folder), "--vocab", vocab, "--format", "lines", "--no-filters"]
    command = [sys.executable, "-m", "bertkit", *arguments, "--keep-duplicates", "--processes", "2"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdin is not None
        for number in range(30_000):
            process.stdin.write(b"the cat sat on the mat and the hat, number %d\n" % number)
        process.stdin.flush()
        process.send_signal(signal.SIGINT)
        assert process.stderr is not None
        assert process.wait(timeout=120) == 130
        assert process.stderr.read() == b"interrupted\n"
        process.stdin.close()
    assert not (folder / "manifest.json").exists()


def test_torch_is_not_imported(corpus: str, vocab: str, tmp_path: Path) -> None:
    script = (
        "import sys; from bertkit.cli.main import main; code = main(sys.argv[1:]);"
        "print('torch' in sys.modules, code, file=sys.stderr)"
    )
    command = [sys.executable, "-c", script, "prepare", corpus, "-o", str(tmp_path / "made"), "--vocab", vocab, *FREE]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stderr == "False 0\n"
