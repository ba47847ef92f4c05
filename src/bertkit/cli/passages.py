"""Cuts folders of Markdown and plain text into passages short enough to be one search result."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from bertkit.formats.rows import read_rows

ENDINGS = (".md", ".txt")
LONGEST_WORDS = 120
SHORTEST_WORDS = 6  # fewer say nothing without their neighbours
_HEADING = re.compile(r"#{1,6}\s+(.+?)\s*#*$")
_LIST_ITEM = re.compile(r"^\s*([*+-]|\d+[.)])\s+")
_MARKUP = re.compile(r"[*`|]+|!?\[([^\]]*)\]\([^)]*\)|<[^>]*>")


@dataclass(frozen=True, slots=True)
class Passage:
    """Some sentences that stand together.

    Args:
        file: the file, as it is called in output.
        line: the line that the passage begins on, from 1.
        heading: the heading above it; empty when there is none.
        text: its words, markup removed, on one line.
    """

    file: str
    line: int
    heading: str
    text: str

    @property
    def place(self) -> str:
        return f"{self.file}:{self.line}"

    @property
    def in_context(self) -> str:
        """The text below its heading: what a search compares with."""
        return f"{self.heading}: {self.text}" if self.heading else self.text


def text_files(folder: Path) -> list[Path]:
    """The Markdown and text files of a folder and the folders in it, hidden ones left out, in order of their names."""
    files = [path for path in folder.rglob("*") if path.suffix.lower() in ENDINGS and path.is_file()]
    return sorted(path for path in files if not any(part.startswith(".") for part in path.relative_to(folder).parts))


def passages_of(path: Path, name: str) -> Iterator[Passage]:
    """The passages of one file: paragraphs and list items, long ones cut, code blocks left out.

    Raises:
        InputError: the file is not UTF-8 text; the message names its line.
    """
    heading, markdown = "", path.suffix.lower() == ".md"
    for line, paragraph in _paragraphs(path):
        title = _HEADING.match(paragraph) if markdown else None
        if title:
            heading = _plain(title.group(1))
            continue
        words = (_plain(paragraph) if markdown else paragraph).split()
        if len(words) < SHORTEST_WORDS:
            continue
        pieces = -(-len(words) // LONGEST_WORDS)
        size = -(-len(words) // pieces)  # pieces of about one length: no stump at the end
        for start in range(0, len(words), size):
            yield Passage(name, line, heading, " ".join(words[start : start + size]))


def _paragraphs(path: Path) -> Iterator[tuple[int, str]]:
    """Line and text of each paragraph, list item and heading."""
    begun, lines, in_code = 1, list[str](), False
    for number, row in enumerate(read_rows(str(path), format="lines"), 1):
        line = str(row.fields["text"])
        fence = line.lstrip().startswith(("```", "~~~"))
        heading = not in_code and _HEADING.match(line) is not None
        if lines and (fence or heading or not line.strip() or _LIST_ITEM.match(line)):
            yield begun, " ".join(lines)
            lines = []
        in_code ^= fence
        if heading:
            yield number, line
        elif line.strip() and not fence and not in_code:
            begun = begun if lines else number
            lines.append(_LIST_ITEM.sub("", line, count=1))
    if lines:
        yield begun, " ".join(lines)


def _plain(text: str) -> str:
    return _MARKUP.sub(r"\1", text).strip()
