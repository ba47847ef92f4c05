"""docs/glossary.md: each term in three lines, in order, and the files that it names are there."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs/glossary.md").read_text(encoding="utf-8")
TERM = re.compile(r"^\* \*\*(.+?)\*\*: (.+)\n  (.+)\n  Where: (.+)$", re.MULTILINE)
FILE = re.compile(r"`([\w/]+/?\w*\.(?:py|txt))`")


def test_each_term_has_three_lines_and_lives_in_a_file() -> None:
    terms, nouns = PAGE.split("## The project's own nouns")
    found = TERM.findall(terms)
    assert len(found) == terms.count("\n* ") >= 50
    names = [re.sub(r"[\\\[\]]", "", name).lower() for name, *_ in found]
    assert names == sorted(names)
    for name, _, _, where in found:
        files = FILE.findall(where)
        assert files, name
        assert [file for file in files if not (ROOT / "src/bertkit" / file).is_file()] == [], name
    rows = [line for line in nouns.splitlines() if line.startswith("| ")][1:]
    assert len(rows) >= 50
    for row in rows:
        files = FILE.findall(row.split("|")[4])
        assert [file for file in files if not (ROOT / "src/bertkit" / file).is_file()] == [], row
        assert files or "`workflows/`" in row or "beside each" in row, row


def test_classes_that_are_named_are_in_their_files() -> None:
    for row in re.findall(r"^\| (.*`[A-Z]\w+`.*)$", PAGE.split("## The project's own nouns")[1], re.MULTILINE):
        noun, _, _, where = (cell.strip() for cell in row.split("|")[:4])
        sources = " ".join((ROOT / "src/bertkit" / file).read_text(encoding="utf-8") for file in FILE.findall(where))
        for name in re.findall(r"`([A-Z]\w+)`", noun):
            assert f"class {name}" in sources or f"{name} =" in sources, f"{name} is not in {where}"
