"""Tables of text, by the cells that characters take in a terminal."""

from __future__ import annotations

import shutil
import sys
import unicodedata
from collections.abc import Sequence

from bertkit.terminal.messages import one_line

TEXT_CELLS = 44


def shorten(text: str, cells: int = TEXT_CELLS) -> str:
    """The text on one line, cut or filled up to `cells` terminal cells."""
    text, width = one_line(text), 0
    for position, character in enumerate(text):
        width += _cells(character)
        if width > cells:
            kept = text[:position]
            while sum(map(_cells, kept)) >= cells:
                kept = kept[:-1]
            return kept + "…" + " " * (cells - 1 - sum(map(_cells, kept)))
    return text + " " * (cells - width)


def table(header: Sequence[str], rows: Sequence[Sequence[str]], indent: str = "     ") -> str:
    """Left-aligned columns, as wide as their widest cell."""
    lines = [header, *rows]
    widths = [max(sum(map(_cells, line[column])) for line in lines) for column in range(len(header))]
    return "\n".join(
        (indent + "  ".join(shorten(cell, width) for cell, width in zip(line, widths, strict=True))).rstrip()
        for line in lines
    )


def fitting(header: Sequence[str], rows: Sequence[Sequence[str]], cells: int | None) -> str:
    """A table, or where that is wider than `cells` a block of lines for each row; None is any width."""
    whole = table(header, rows, indent="")
    if cells is None or max(sum(map(_cells, line)) for line in whole.splitlines()) <= cells:
        return whole
    return "\n\n".join(
        table((header[0], row[0]), list(zip(header[1:], row[1:], strict=True)), indent="") for row in rows
    )


def columns() -> int | None:
    """How many cells a line of standard output has; None where it is no terminal."""
    return shutil.get_terminal_size().columns if sys.stdout.isatty() else None


def _cells(character: str) -> int:
    if unicodedata.combining(character):
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1
