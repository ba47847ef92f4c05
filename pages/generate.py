"""Writes the pages that are made from the program: `python -m pages.generate`; a test says when one is stale."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from pages import commands, settings

DOCS = Path(__file__).parents[1] / "docs"
MADE: dict[str, Callable[[], str]] = {"settings.md": settings.page, "commands.md": commands.page}

if __name__ == "__main__":
    for name, page in MADE.items():
        (DOCS / name).write_text(page(), encoding="utf-8")
