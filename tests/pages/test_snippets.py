"""The right columns of "coming from", and the pieces of Python in pages about other libraries, run."""

from __future__ import annotations

import importlib.util
import re
import shlex
import warnings
from pathlib import Path

import pytest

import bertkit
from bertkit.cli.main import main
from tests.pages.reading import ROOT, blocks, named, right_column

COMING_FROM = sorted(page for page in (ROOT / "docs/coming-from").glob("*.md") if page.stem != "index")
NEIGHBOURS = sorted(page for page in (ROOT / "docs/neighbours").glob("*.md") if page.stem != "index")
SNIPPETS = [
    pytest.param(page, number, id=f"{page.stem}-{number}")
    for page in NEIGHBOURS
    for number, block in enumerate(blocks(page))
    if block.language == "python"
]
# A form to fill in, or a command that does not end by itself.
NOT_RUN = re.compile(r".*(…|NAME)|bertkit serve|--|bertkit \w+ --\S+( \S+)?$|text$")
LEAST_RUN = {"transformers": 15, "sentence-transformers": 10, "spacy": 7, "scikit-learn": 7}

pytestmark = pytest.mark.slow


def run(code: str, names: dict[str, object]) -> None:
    exec(compile(code, "<page>", "exec"), names)


@pytest.mark.parametrize("page", COMING_FROM, ids=named)
def test_the_right_column_runs(page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    names: dict[str, object] = {}
    for block in blocks(page):
        run(block.text, names)
    ran = 0
    for code in right_column(page):
        if NOT_RUN.match(code):
            continue
        if code.startswith("bertkit "):
            assert main(shlex.split(code)[1:]) == 0
        else:
            run(code, names)
        ran += 1
    assert ran >= LEAST_RUN[page.stem]


def test_the_page_on_python_runs() -> None:
    names: dict[str, object] = {}
    for block in blocks(ROOT / "docs/python.md"):
        if block.language == "python":
            run(block.text, names)


@pytest.fixture(scope="module")
def finished_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("desk")
    rows = [{"text": f"{word} number {n}", "label": word} for word in ("good", "bad") for n in range(10)]
    bertkit.finetune(rows, "text-classification", epochs=1, output=folder / "my-run", progress=False)
    return folder


@pytest.mark.parametrize(("page", "number"), SNIPPETS)
def test_a_neighbour_works_with_it(
    page: Path, number: int, finished_run: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    code = blocks(page)[number].text
    for module in re.findall(r"^(?:import|from) (\w+)", code, re.MULTILINE):
        if importlib.util.find_spec(module) is None:
            pytest.skip(f"{module} is not installed: it is no part of what the tests need")
    monkeypatch.chdir(finished_run)
    # A neighbour's own warnings are its own affair.
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        names: dict[str, object] = {}
        if page.stem == "tracking" and number:
            run(blocks(page)[0].text, names)
        run(code, names)
