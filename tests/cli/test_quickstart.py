from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from bertkit.cli import quickstart as command
from bertkit.cli.quickstart import NEXT_STEPS, QUESTIONS
from tests.cli import fake_program

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def docs(tmp_path: Path) -> Path:
    (tmp_path / "page.md").write_text(
        "# Fruit\n\nAn orange and a banana are a meal.\n\nNothing here but words of one kind.\n"
    )
    (tmp_path / "notes.txt").write_text("A plain text file with enough words.\n")
    return tmp_path


def test_three_questions_are_answered_with_passages_and_figures(run: Run, docs: Path) -> None:
    code, out, err = run("quickstart", "--docs", str(docs))
    assert (code, err) == (0, "")
    for question in QUESTIONS:
        assert question in out
    assert out.count("page.md:3  Fruit") == 3
    assert "An orange and a banana are a meal." in out
    assert "3 passages, " in out
    assert " tokens/s; " in out
    assert all(step in out for _, step in NEXT_STEPS)
    assert fake_program.LOADED == [{"model": None, "task": "sentence-embedding", "long": "window"}]


def test_own_questions_as_json(run: Run, docs: Path) -> None:
    code, out, _ = run("quickstart", "Which fruit?", "--docs", str(docs), "--json", "-m", "own")
    assert code == 0
    answer, figures = map(json.loads, out.splitlines())
    assert answer["question"] == "Which fruit?"
    scores = [passage["score"] for passage in answer["passages"]]
    assert scores == sorted(scores, reverse=True)
    assert all(-1 <= score <= 1.0001 for score in scores)
    assert set(answer["passages"][0]) == {"score", "place", "heading", "text"}
    assert figures["metrics"]["passages"] == 3
    assert figures["metrics"]["tokens_per_second"] > 0
    assert fake_program.LOADED[0]["model"] == "own"


def test_the_nearest_passage_comes_first(run: Run, docs: Path) -> None:
    question = "Fruit: An orange and a banana are a meal."
    _, out, _ = run("quickstart", question, "--docs", str(docs), "--json")
    best = json.loads(out.splitlines()[0])["passages"][0]
    assert (best["place"], best["score"]) == ("page.md:3", pytest.approx(1.0, abs=1e-6))


def test_the_projects_own_pages_are_found_from_below_it(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for folder in ("docs", "src/bertkit", "deep/down"):
        (tmp_path / folder).mkdir(parents=True)
    (tmp_path / "docs" / "architecture.md").write_text("The page of the architecture has words.\n")
    (tmp_path / "README.md").write_text("The page to read first has words too.\n")
    (tmp_path / "other.md").write_text("This page is no documentation of the project.\n")
    monkeypatch.chdir(tmp_path / "deep" / "down")
    _, out, _ = run("quickstart", "?", "--json")
    places = {passage["place"] for passage in json.loads(out.splitlines()[0])["passages"]}
    assert places == {"docs/architecture.md:1", "README.md:1"}


def test_without_pages_it_says_what_to_pass(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(command, "__file__", str(tmp_path / "quickstart.py"))
    code, _, err = run("quickstart")
    assert code == 2
    cure = "Name a folder of your own .md and .txt files: bertkit quickstart --docs FOLDER"
    assert err.endswith(f"  → {cure} (docs/errors/UserError.md)\n")


def test_a_folder_that_is_not_there_or_has_no_text(run: Run, tmp_path: Path) -> None:
    code, _, err = run("quickstart", "--docs", str(tmp_path / "gone"))
    assert (code, err.splitlines()[0]) == (2, f"error: {tmp_path}/gone: no such folder")
    code, _, err = run("quickstart", "--docs", str(tmp_path))
    assert (code, err.splitlines()[0]) == (2, f"error: {tmp_path}: no .md or .txt file with text in it")
    assert fake_program.LOADED == []
