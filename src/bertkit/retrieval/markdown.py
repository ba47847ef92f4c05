"""Markdown: what is written in it, below its headings, without markup. markdown-it reads it.

markdown-it says of each block on which lines it stands, and of what is inside it nothing but its order: what is kept
is found again in the source, from left to right.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cache

from markdown_it import MarkdownIt
from markdown_it.token import Token

from bertkit.retrieval.documents import TextBlock
from bertkit.retrieval.traced import LineStarts, Stretch, Traced, joined

_BREAKS = {"softbreak", "hardbreak"}
_TEXTS = {"text", "code_inline", "text_special"}
LEVELS = 6


@cache
def _parser() -> MarkdownIt:
    # Escapes and entities stay apart, with what stands for them in the source.
    return MarkdownIt("commonmark").enable("table").disable("text_join")


def markdown_blocks(source: str) -> Iterator[TextBlock]:
    """Paragraphs, items of lists, rows of tables and code."""
    lines, headings = LineStarts(source), [""] * (LEVELS + 1)
    tokens = _parser().parse(source)
    cells: list[Traced] = []
    at = 0
    for place, token in enumerate(tokens):
        if token.type == "inline":
            text, at = _inline(token, source, lines, at)
            before = tokens[place - 1]
            if before.type == "heading_open":
                level = int(before.tag[1:])
                headings[level:] = [text.text if text else "", *[""] * (LEVELS - level)]
            elif before.type in ("th_open", "td_open"):
                cells += [text] if text else []
            elif text:
                yield TextBlock(text, _above(headings))
        elif token.type == "tr_close" and cells:
            yield TextBlock(joined(cells, " | "), _above(headings))
            cells = []
        elif token.type in ("fence", "code_block"):
            text, at = _code(token, source, lines, at)
            if text:
                yield TextBlock(text, _above(headings))


def _above(headings: Sequence[str]) -> str:
    return " > ".join(heading for heading in headings if heading)


def _inline(token: Token, source: str, lines: LineStarts, at: int) -> tuple[Traced | None, int]:
    """The text of an inline token without markup, and how far the source has been read."""
    at, end = _reach(token, source, lines, at)
    text, runs = "", list[Stretch]()
    for child in token.children or ():
        if child.type in _BREAKS:
            text += "\n"
            continue
        if child.type not in _TEXTS or not child.content:
            continue
        written = child.markup if child.type == "text_special" else child.content
        found = source.find(written, at, end)
        found = at if found < 0 else found  # code over a line's end, which is written as a space
        runs.append(Stretch(len(text), found, lines.line(found)))
        text += child.content
        at = found + len(written)
    return _stripped(text, runs), at


def _code(token: Token, source: str, lines: LineStarts, at: int) -> tuple[Traced | None, int]:
    """The lines of a block of code."""
    at, end = _reach(token, source, lines, at)
    if token.type == "fence":
        at = source.find("\n", at) + 1
    text, runs = "", list[Stretch]()
    for line in token.content.splitlines(keepends=True):
        found = source.find(line.rstrip("\n"), at, end)
        found = at if found < 0 else found
        runs.append(Stretch(len(text), found, lines.line(found)))
        text += line
        at = found + len(line)
    return _stripped(text, runs), at


def _reach(token: Token, source: str, lines: LineStarts, at: int) -> tuple[int, int]:
    """Where in the source a token's text can stand: from what has been read to the end of its last line."""
    if token.map is None:
        return at, len(source)
    first, last = token.map
    return max(at, lines.starts[first]), lines.starts[last] if last < len(lines.starts) else len(source)


def _stripped(text: str, runs: Sequence[Stretch]) -> Traced | None:
    """The text without white space around it; None where nothing is left, or nothing of it stands in the source."""
    start, end = len(text) - len(text.lstrip()), len(text.rstrip())
    if start >= end or not runs:
        return None
    first = runs[0]
    if first.at > 0:  # a break came first
        runs = [Stretch(0, first.source, first.line), *runs]
    return Traced(text, tuple(runs)).part(start, end)
