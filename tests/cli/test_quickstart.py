from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from bertkit.cli import quickstart as command
from bertkit.cli.quickstart import NEXT_STEPS, QUESTIONS
from tests.retrieval.made_index import write_files
from tests.workflows.small import make_model

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture(autouse=True)
def _fake_model() -> None:
    """A small one of random weights is named instead."""


@pytest.fixture(scope="session")
def model(tmp_path_factory: pytest.TempPathFactory) -> str:
    return make_model(tmp_path_factory.mktemp("models") / "own")


@pytest.fixture
def docs(tmp_path: Path) -> Path:
    files = {
        "page.md": "# Fruit\n\nAn orange and a banana are a meal.\n",
        "notes.txt": "A text file, paris is a city.\n",
    }
    write_files(tmp_path / "docs", files)
    return tmp_path / "docs"


def test_three_questions_are_answered_with_passages_and_figures(run: Run, docs: Path, model: str) -> None:
    code, out, err = run("quickstart", "--docs", str(docs), "-m", model)
    assert (code, err) == (0, "")
    for question in QUESTIONS:
        assert question in out
    assert out.count("page.md:3  Fruit") == 3
    assert "An orange and a banana are a meal." in out
    assert "2 passages, " in out
    assert " tokens/s; " in out
    assert all(step in out for _, step in NEXT_STEPS)


def test_own_questions_as_json(run: Run, docs: Path, model: str) -> None:
    question = "Fruit: An orange and a banana are a meal."
    code, out, _ = run("quickstart", question, "--docs", str(docs), "--json", "-m", model)
    assert code == 0
    answer, figures = map(json.loads, out.splitlines())
    assert answer["question"] == question
    scores = [passage["score"] for passage in answer["passages"]]
    assert scores == sorted(scores, reverse=True)
    best = answer["passages"][0]
    assert (best["place"], best["score"]) == ("page.md:3", pytest.approx(1.0, abs=2e-3))
    assert set(best) == {"score", "place", "heading", "text"}
    assert (figures["metrics"]["passages"], figures["metrics"]["input_tokens"]) == (2, 24)
    assert figures["metrics"]["tokens_per_second"] > 0


def test_the_projects_own_pages_are_found_from_below_it(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, model: str
) -> None:
    for folder in ("docs", "src/bertkit", "deep/down"):
        (tmp_path / folder).mkdir(parents=True)
    (tmp_path / "docs" / "architecture.md").write_text("The page of the architecture has words.\n")
    (tmp_path / "README.md").write_text("The page to read first has words too.\n")
    (tmp_path / "other.md").write_text("This page is no documentation of the project.\n")
    monkeypatch.chdir(tmp_path / "deep" / "down")
    monkeypatch.setattr("bertkit.pretrained.loading.embedded_folder", lambda trained: Path(model))
    for time in ("first", "second"):
        _, out, _ = run("quickstart", "paris?", "--json")
        answer, figures = map(json.loads, out.splitlines())
        assert {passage["place"] for passage in answer["passages"]} == {"docs/architecture.md:1", "README.md:1"}
        assert (figures["metrics"]["input_tokens"] > 0) == (time == "first")  # the index stays
    assert "none of them embedded anew" in run("quickstart", "paris?").out


def test_without_pages_it_says_what_to_pass(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(command, "__file__", str(tmp_path / "quickstart.py"))
    code, _, err = run("quickstart")
    assert code == 2
    cure = "Name a folder of your own texts: bertkit quickstart --docs FOLDER"
    assert err.endswith(f"  → {cure} (docs/errors/UserError.md)\n")


def test_a_folder_that_is_not_there_or_has_no_text(run: Run, tmp_path: Path) -> None:
    code, _, err = run("quickstart", "--docs", str(tmp_path / "gone"))
    assert (code, err.splitlines()[0]) == (2, f"error: {tmp_path}/gone: no such folder")
    code, _, err = run("quickstart", "--docs", str(tmp_path))
    assert (code, err.splitlines()[0]) == (2, f"error: {tmp_path}: no file that can be read")
