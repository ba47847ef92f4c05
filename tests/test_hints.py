"""What a message says to do can be done, and helps: typed as a user types it."""

from __future__ import annotations

import io
import json
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from bertkit.cli.main import main

Run = Callable[..., tuple[int, str, str]]

POINTER = "version https://git-lfs.github.com/spec/v1\noid sha256:4d7a2146\nsize 12345\n"
TABLE = "utterance_text,intent\nhello there,a\nbye now,b\n"
TASK = ("finetune", "--task", "text-classification")


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Runs one command line in this process, with nothing on its standard input."""

    def run(*arguments: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BufferedReader(io.BytesIO())))
        return main(arguments), *capsys.readouterr()

    return run


def written(folder: Path, name: str, text: str) -> str:
    (folder / name).parent.mkdir(exist_ok=True)
    (folder / name).write_text(text)
    return str(folder / name)


def test_a_missing_column_is_not_guessed_from_one_that_is_not_its_spelling(run: Run, tmp_path: Path) -> None:
    code, _, err = run(*TASK, "--train", written(tmp_path, "a.csv", TABLE), "-o", str(tmp_path / "out"))
    assert code == 2
    assert "no column 'text'; the columns are 'utterance_text', 'intent'\n  → Name it: --text-column." in err


def test_another_spelling_of_a_column_is_named(run: Run, tmp_path: Path) -> None:
    text = "Texts,label\nhello there,a\nbye now,b\n"
    _, _, err = run(*TASK, "--train", written(tmp_path, "a.csv", text), "-o", str(tmp_path / "out"))
    assert "no column 'text' (did you mean 'Texts'?)" in err


@pytest.mark.parametrize(
    ("setting", "says"),
    [
        ("train.epoch=1", "unknown key 'train.epoch' (did you mean 'epochs'?)"),
        ("train.epochs=-1", "'train.epochs': Input should be greater than 0"),
    ],
)
def test_there_is_no_file_to_correct_where_settings_are_typed(
    run: Run, tmp_path: Path, setting: str, says: str
) -> None:
    train = written(tmp_path, "a.csv", "text,label\na,b\n")
    code, _, err = run(*TASK, "--train", train, "-o", str(tmp_path / "out"), "--set", setting)
    assert code == 2
    assert says in err
    assert "→ Correct the setting that it names." in err


RUN = "[model]\nfamily = 'bert'\n[data]\nshards = ['x']\n[train]\nsteps = 10\n[run]\ndirectory = 'runs/x'\n"


@pytest.mark.parametrize(
    ("right", "wrong", "says"),
    [
        ("steps", "stps", "unknown key 'train.stps' (did you mean 'steps'?)"),
        ("[train]", "[trian]", "unknown key 'trian' (did you mean 'train'?)"),
        ("shards", "shard", "unknown key 'data.shard' (did you mean 'shards'?)"),
        ("directory", "directoy", "unknown key 'run.directoy' (did you mean 'directory'?)"),
        ("shards = ['x']", "", "'data.shards' is missing\n  → Give it a value."),
    ],
)
def test_a_key_that_is_needed_and_misspelt_is_named(
    run: Run, tmp_path: Path, right: str, wrong: str, says: str
) -> None:
    code, _, err = run("pretrain", written(tmp_path, "run.toml", RUN.replace(right, wrong)))
    assert code == 2
    assert says in err


def test_a_place_that_cannot_be_a_folder_is_named_by_the_option_that_was_typed(run: Run, tmp_path: Path) -> None:
    train = written(tmp_path, "a.csv", "text,label\n" + "a fine one,b\na bad one,c\nno more,c\nnice,b\n" * 3)
    code, _, err = run(*TASK, "--train", train, "-o", train)
    assert code == 1
    assert "with -o" in err
    assert "run.directory" not in err


def test_a_folder_is_not_a_file_that_is_missing(run: Run, tmp_path: Path) -> None:
    code, _, err = run(*TASK, "--train", str(tmp_path), "-o", str(tmp_path / "out"))
    assert code == 2
    assert f"{tmp_path}: is a folder, not a file" in err


def test_null_is_not_a_field_that_is_missing(run: Run, tmp_path: Path) -> None:
    path = written(tmp_path, "a.jsonl", '{"text": null}\n')
    code, _, err = run("tokenize", "-i", path)
    assert code == 2
    assert "a.jsonl:1: field 'text' is null" in err
    assert "--text-column" not in err


@pytest.mark.parametrize("ending", ["txt", "csv", "tsv", "jsonl", "parquet"])
def test_a_git_pointer_in_the_place_of_data(run: Run, tmp_path: Path, ending: str) -> None:
    code, _, err = run("predict", "-i", written(tmp_path, f"a.{ending}", POINTER), "--json")
    assert code == 2
    assert f"a.{ending}: a Git LFS pointer, not the file itself" in err
    assert f"run `git lfs pull` in {tmp_path}" in err


@pytest.mark.parametrize("ending", ["csv", "jsonl", "json", "conll"])
def test_a_git_pointer_in_the_place_of_examples(run: Run, tmp_path: Path, ending: str) -> None:
    task = {"json": "question-answering", "conll": "token-classification"}.get(ending, "text-classification")
    train = written(tmp_path, f"a.{ending}", POINTER)
    code, _, err = run("finetune", "--task", task, "--train", train, "-o", str(tmp_path / "out"))
    assert code == 2
    assert "a Git LFS pointer, not the file itself" in err


@pytest.mark.parametrize("name", ["config.json", "tokenizer.json", "vocab.txt", "tokenizer_config.json"])
def test_a_git_pointer_among_the_small_files_of_a_model(run: Run, tmp_path: Path, name: str) -> None:
    folder = tmp_path / "model"
    written(folder, "config.json", json.dumps({"model_type": "bert"}))
    written(folder, name, POINTER)
    code, _, err = run(*(("info",) if name == "config.json" else ("tokenize", "x", "-m")), str(folder))
    assert code == 2
    assert f"{name}: a Git LFS pointer, not the file itself" in err


def test_a_corpus_of_sentences_without_blank_lines(run: Run, tmp_path: Path) -> None:
    sentences = "".join(f"This is sentence number {number}, and it is no document.\n" for number in range(40))
    path = written(tmp_path, "a.txt", sentences)
    code, _, err = run("prepare", path, "-o", str(tmp_path / "shards"))
    assert code == 2
    assert "nothing is left of the corpus: 40 documents read, 40 too short" in err
    assert "say --format blank-line" in err
    assert "--min-characters 1 keeps short ones" in err
    advice = ["--format", "blank-line"], ["--min-characters", "1"]
    made = [run("prepare", path, "-o", str(tmp_path / f"made{n}"), "--json", *said) for n, said in enumerate(advice)]
    assert [(code, json.loads(out)["documents"]) for code, out, _ in made] == [(0, 1), (0, 40)]


def test_a_corpus_of_which_most_lines_are_too_short_is_told_of(run: Run, tmp_path: Path) -> None:
    lines = ["Too short."] * 9 + ["A line that is long enough is kept as a document of its own, in many words. " * 6]
    code, _, err = run("prepare", written(tmp_path, "a.txt", "\n".join(lines)), "-o", str(tmp_path / "shards"))
    assert code == 0
    assert "9 of 10 documents were too short" in err
    assert "put a blank line between documents" in err


def test_evaluate_says_which_of_two_is_missing(run: Run, tmp_path: Path) -> None:
    code, _, err = run("evaluate", "--task", "text-classification", "--data", str(tmp_path))
    assert code == 2
    assert "neither a model nor predictions are given" in err


def test_a_record_of_a_bad_row_does_not_advise_what_was_done(run: Run, tmp_path: Path) -> None:
    path = written(tmp_path, "a.jsonl", '{"text": "a"}\n{"text": \n')
    _, out, _ = run("predict", "-i", path, "--json", "--on-error", "record")
    remedy = json.loads(out.splitlines()[1])["error"]["remedy"]
    assert remedy == 'Write each row as one line like {"text": "…"}.'


@pytest.mark.parametrize(
    ("task", "remedy"),
    [
        ("zero-shot-classification", "Name one that does with -m (docs/tasks.md says which)."),
        (
            "text-ranking",
            "Name one that does with -m (docs/tasks.md says which); "
            "to train one: bertkit finetune --task text-ranking --train FILE -o DIR.",
        ),
    ],
)
def test_a_task_that_no_model_does_which_comes_with_bertkit(run: Run, task: str, remedy: str) -> None:
    code, _, err = run("predict", "a text", "--task", task, "--candidate-labels", "a,b")
    assert code == 2
    assert f"no model is named, and none of those that come with bertkit does {task}\n  → {remedy}" in err
