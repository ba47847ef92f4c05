"""Every link of every page leads to something: a page, a heading of it, or a file."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.pages.reading import PAGES, named, prose, slug

LINK = re.compile(r"(?<!`)\[[^\]]*\]\((?!\w+:)([^)#\s]*)(?:#([^)\s]+))?\)")


def headings(page: Path) -> set[str]:
    return {slug(one) for one in re.findall(r"^#+ (.+)$", prose(page), re.MULTILINE)}


def broken(page: Path) -> list[str]:
    """The links that lead nowhere."""
    found = []
    for where, anchor in LINK.findall(re.sub(r"`[^`\n]*`", "`code`", prose(page))):
        target = page.parent / where if where else page
        if not target.exists() or (anchor and anchor not in headings(target)):
            found.append(f"{where}#{anchor}")
    return found


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_every_link_leads_somewhere(page: Path) -> None:
    assert broken(page) == []


def test_a_broken_link_is_seen(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(
        "# A *head*ing\n[a](#a-heading) [b](page.md#no) [c](no.md) [d](https://x.y) `[e](f)`\n```\n[g](h)\n```\n",
        encoding="utf-8",
    )
    assert broken(page) == ["page.md#no", "no.md#"]


@pytest.mark.parametrize(
    "word",
    [
        "confusion matrix",
        "early stopping",
        "batch size",
        "semantic search",
        "rerank",
        "pandas",
        "epochs",
        "which model",
    ],
)
def test_what_people_look_for_is_in_the_readme_and_leads_to_a_page(word: str) -> None:
    readme = next(page for page in PAGES if named(page) == "README.md").read_text(encoding="utf-8").lower()
    lines = [line for line in readme.splitlines() if word in line]
    assert any("](" in line for line in lines), word
