"""The page in a real browser: every task, light and dark, wide and narrow, with a key.

clients/bin/pip install playwright        (with a chromium on the path; test_clients.py says what clients/ is)
BERTKIT_CLIENTS_PYTHON=$PWD/clients/bin/python python -m pytest -m browser
"""

from __future__ import annotations

import json
import os
import random
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from bertkit.config.indexing import IndexConfig
from bertkit.server.access import key_hash
from bertkit.server.loading import BUILT_IN, ModelSpec, load_models
from bertkit.server.served_index import ServedIndex
from bertkit.server.settings import ServeSettings
from bertkit.workflows.index import index
from tests.planner.random_questions import random_question
from tests.planner.test_page import differences
from tests.retrieval.made_index import write_files
from tests.server.test_run import Live

pytestmark = pytest.mark.browser
SCRIPT = Path(__file__).with_name("look_at_page.py")
PLANNER_SCRIPT = Path(__file__).with_name("look_at_planner.py")


def served(models: Sequence[ModelSpec], searched: ServedIndex | None = None) -> Iterator[str]:
    settings = ServeSettings(port=0, key_hashes=(("ada", key_hash("right")),), index=searched)
    live = Live(lambda: load_models(models, {"dtype": "float32"}), settings)
    yield f"http://127.0.0.1:{live.address[1]}"
    live.end()


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder = tmp_path_factory.mktemp("searched")
    write_files(folder / "docs", {"trip.md": "# Orkney\n\nThe ferry takes ninety minutes.\n", "a.txt": "Beans grow."})
    index(IndexConfig(index=str(folder / "notes.idx"), sources=[str(folder / "docs")], dtype="float32"))
    opened = ServedIndex.open(folder / "notes.idx")
    yield from served((*BUILT_IN, opened.spec), opened)


@pytest.fixture
def url_of_one_model() -> Iterator[str]:
    yield from served(BUILT_IN[:1])


def look(script: Path, *arguments: str) -> Any:
    """What the script, which needs Playwright, sees in a browser."""
    python, chromium = os.environ.get("BERTKIT_CLIENTS_PYTHON"), shutil.which("chromium")
    if not python or chromium is None:
        pytest.skip("there is no chromium, or BERTKIT_CLIENTS_PYTHON does not name a Python with Playwright")
    done = subprocess.run([python, str(script), chromium, *arguments], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_every_task_is_answered_and_nothing_is_wrong(url: str) -> None:
    for seen in look(SCRIPT, url, "right"):
        assert (seen["wrong"], seen["too_wide"]) == ([], False)
        answers = seen["answers"]
        assert answers["embeddings"].startswith("Babbage designed a calculator.")
        assert "positive" in answers["sentiment"]
        assert "LondonLOC" in answers["entities"]
        assert "Charles Babbage" in answers["questions"]
        assert "album" in answers["masks"]
        assert answers["notes"].startswith("ninety minutes")
        assert "docs/trip.md:3" in answers["notes"]
        assert seen["curl"].startswith(f"curl {url}/v1/predict -d '")


def test_the_planner_answers_as_python_does_in_every_view(url_of_one_model: str, tmp_path: Path) -> None:
    chance = random.Random(3)
    questions = [random_question(chance) for _ in range(1000)]
    (tmp_path / "questions.json").write_text(json.dumps(questions))
    seen = look(PLANNER_SCRIPT, url_of_one_model, "right", str(tmp_path / "questions.json"))
    assert differences(questions, seen["answers"]) == []
    for view in seen["views"]:
        assert (view["wrong"], view["too_wide"]) == ([], False)
        assert view["first"] == "bert-base runs on RTX 3060 12GB: bfloat16, 128 texts at once"
        assert view["verdict"] == "bert-large does not run on RTX 3060 12GB: bfloat16, 32 texts at once"
        assert view["after_reload"] == view["verdict"]
        assert "this model reads up to 512" in view["problem"]
        assert "most texts like these at once\t20" in view["numbers"]
        assert len(view["pictures"]) == 2
