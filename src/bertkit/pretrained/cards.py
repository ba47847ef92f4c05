"""The card of a model: a page about it that goes where the model goes."""

from __future__ import annotations

from pathlib import Path

CARD = "README.md"


def find_card(folder: Path) -> Path | None:
    """The card in a folder; None where it has none."""
    return folder / CARD if (folder / CARD).is_file() else None
