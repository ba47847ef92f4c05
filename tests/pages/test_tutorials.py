"""The tutorials are typed again: what they show is what comes out, numbers aside, which differ between machines."""

from __future__ import annotations

import csv
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.pages.reading import ROOT, blocks, named

TUTORIALS = sorted(page for page in (ROOT / "docs/tutorials").glob("*.md") if page.stem != "index")
LEFT_OUT = "…"


def words(text: str) -> list[str]:
    """The lines without numbers and the width of their columns."""
    lines = (re.sub(r"\d[\d.,]*", "0", " ".join(line.split())) for line in text.splitlines())
    return [line for line in lines if line and line != LEFT_OUT]


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """A folder that looks like a clone to who types, and takes what they write."""
    for name in ("docs", "src"):
        (tmp_path / name).symlink_to(ROOT / name)
    return tmp_path


@pytest.mark.slow
@pytest.mark.parametrize("page", TUTORIALS, ids=named)
def test_its_commands_print_what_it_shows(page: Path, clone: Path) -> None:
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    settings = {**os.environ, "PATH": path, "HF_HUB_OFFLINE": "1"}
    printed, typed = "", 0
    for block in blocks(page):
        if block.language in ("bash", "python"):
            shell = ["bash", "-euo", "pipefail", "-c"] if block.language == "bash" else [sys.executable, "-c"]
            done = subprocess.run([*shell, block.text], cwd=clone, env=settings, capture_output=True, text=True)
            assert done.returncode == 0, done.stderr
            printed = done.stdout
            typed += len(block.text.splitlines()) if block.language == "bash" else 0
        elif block.language == "text":
            missing = [line for line in words(block.text) if line not in words(printed)]
            assert missing == [], printed
    assert typed <= 3


def test_the_messages_are_those_that_come_with_bertkit() -> None:
    def rows(path: Path, between: str) -> list[tuple[str, str]]:
        with path.open(encoding="utf-8", newline="") as file:
            return [(row["text"], row["label"]) for row in csv.DictReader(file, delimiter=between)]

    data = ROOT / "docs/tutorials"
    ours = [*rows(data / "messages.csv", ","), *rows(data / "messages-test.csv", ",")]
    assert sorted(ours) == sorted(rows(ROOT / "src/bertkit/cli/intents.tsv", "\t"))
