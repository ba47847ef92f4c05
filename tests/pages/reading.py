"""What pages are made of: their blocks of code, tables and links, as the tests of the pages read them."""

from __future__ import annotations

import re
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[2]
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
BLOCK = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


class Block(NamedTuple):
    """A block of code and its language."""

    language: str
    text: str


def named(page: Path) -> str:
    """A page by its path, as tests are called."""
    return page.relative_to(ROOT).as_posix()


def blocks(page: Path) -> list[Block]:
    """The blocks of a page, in their order."""
    return [Block(*found) for found in BLOCK.findall(page.read_text(encoding="utf-8"))]


def prose(page: Path) -> str:
    """A page without its blocks of code."""
    return BLOCK.sub("", page.read_text(encoding="utf-8"))


def right_column(page: Path) -> list[str]:
    """Of the page's table the code that the last column begins with, row by row; rows without any left out."""
    rows = re.findall(r"^\|.*\| (.*) \|$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return [found[1] for row in rows if (found := re.match(r"`([^`]+)`(?=$|,|;| at|:)", row))]


def slug(heading: str) -> str:
    """The anchor of a heading, as the host of the sources and the site make it."""
    own = re.search(r"\{ #(\S+) \}$", heading)
    if own:
        return own[1]
    return re.sub(r"[^\w\- ]", "", re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading).lower()).replace(" ", "-")
