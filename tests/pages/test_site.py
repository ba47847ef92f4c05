"""The site is built without a warning, and asks nobody else for anything."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path, PurePosixPath

import pytest

from pages.hooks import relinked
from tests.pages.reading import ROOT


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("built") / "site"
    build = [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(folder)]
    told = {**os.environ, "NO_MKDOCS_2_WARNING": "1"}  # the theme announces its successor
    done = subprocess.run(build, cwd=ROOT, env=told, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "WARNING" not in done.stderr
    return folder


@pytest.mark.slow
def test_it_has_every_page_and_fetches_nothing_from_elsewhere(site: Path) -> None:
    pages = sorted(site.rglob("*.html"))
    assert {"index.html", "tutorials/classify/index.html", "errors/TooLate/index.html"} <= {
        page.relative_to(site).as_posix() for page in pages
    }
    fetched = re.compile(
        r"""<(?:script|img|iframe)[^>]*\ssrc=["']?(https?:|//)|<link[^>]*stylesheet[^>]*(https?:|//)"""
    )
    for page in pages:
        assert fetched.search(page.read_text(encoding="utf-8")) is None, page


@pytest.mark.slow
def test_the_names_have_their_docstrings(site: Path) -> None:
    page = (site / "api/index.html").read_text(encoding="utf-8")
    assert "A model that is ready to answer." in page
    assert 'id="bertkit.finetune"' in page


@pytest.mark.parametrize(
    ("source", "target", "link", "there"),
    [
        ("README.md", "index.md", "[a](docs/tasks.md#in-python)", "[a](tasks.md#in-python)"),
        ("README.md", "index.md", "![a](docs/pictures/padding.svg)", "![a](pictures/padding.svg)"),
        ("README.md", "index.md", "[a](LICENSE) [b](https://x.org/y.md)", "a [b](https://x.org/y.md)"),
        ("docs/errors/E.md", "errors/E.md", "[a](../tasks.md)", "[a](../tasks.md)"),
        ("docs/tutorials/t.md", "tutorials/t.md", "[a](../../README.md#start)", "[a](../index.md#start)"),
        ("docs/tasks.md", "tasks.md", "[a](../src/bertkit/errors.py) [b](#c)", "a [b](#c)"),
    ],
)
def test_links_are_those_of_the_site(source: str, target: str, link: str, there: str) -> None:
    assert relinked(link, PurePosixPath(source), PurePosixPath(target)) == there
