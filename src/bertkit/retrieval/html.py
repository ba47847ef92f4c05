"""HTML: what a page says below its headings, without its scripts and its menus. Python's own parser reads it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from html import unescape
from html.parser import HTMLParser

from bertkit.retrieval.documents import TextBlock
from bertkit.retrieval.markdown import LEVELS
from bertkit.retrieval.traced import LineStarts, Stretch, Traced

# What these hold is nothing to read; `noscript` says that there are scripts.
_SILENT = frozenset("script style template noscript head nav svg math iframe object select button".split())
# Within these text goes on; every other element begins a block and ends one.
_INLINE = frozenset(
    "a abbr acronym b bdi bdo big cite code data del dfn em font i img ins kbd label mark nobr q ruby rb rp rt s samp "
    "small span strike strong sub sup time tt u var wbr input".split()
)
_CELLS = frozenset(("td", "th", "dt"))  # with the next one they are one block
_VOID = frozenset("area base br col embed hr img input link meta source track wbr".split())
_HEADING = re.compile(r"h([1-6])")
_SPACE = re.compile(r"\s+")


def html_blocks(source: str) -> tuple[list[TextBlock], str]:
    """The blocks of a page, and its title."""
    reader = _Reader(source)
    reader.feed(source)
    reader.close()
    reader.end_block()
    return reader.blocks, reader.title


class _Reader(HTMLParser):
    """Gathers the text between the tags that begin and end blocks."""

    def __init__(self, source: str) -> None:
        super().__init__(convert_charrefs=False)  # what is converted has no place in the source any more
        self.blocks: list[TextBlock] = []
        self.title = ""
        self._lines = LineStarts(source)
        self._headings = [""] * (LEVELS + 1)
        self._level = 0  # of the heading that is being read
        self._silent: list[str] = []
        self._in_title = False
        self._text = ""
        self._runs: list[Stretch] = []
        self._after_line_end = False  # which is a space in the text, so that no line can be counted in it

    def handle_starttag(self, tag: str, attrs: Sequence[tuple[str, str | None]]) -> None:
        if tag == "title" and "svg" not in self._silent:
            self._in_title = True
        if tag in _SILENT or self._silent:
            if tag in _SILENT:
                self._silent.append(tag)
            if tag == "body":  # a head that nobody closed
                self._silent.clear()
            return
        if tag == "br":
            self._add(" ", None)
        elif tag not in _INLINE and tag not in _CELLS:
            self.end_block()
            if found := _HEADING.fullmatch(tag):
                self._level = int(found[1])

    def handle_startendtag(self, tag: str, attrs: Sequence[tuple[str, str | None]]) -> None:
        if tag in _VOID:
            self.handle_starttag(tag, attrs)

    def handle_endtag(self, tag: str) -> None:
        if tag == "title":
            self._in_title = False
        if self._silent:
            if tag in self._silent:
                del self._silent[self._silent.index(tag) :]
            return
        if tag in _CELLS:
            if self._text.strip():
                self._add(" | " if tag != "dt" else ": ", None)
        elif tag not in _INLINE:
            self.end_block()

    def handle_data(self, data: str) -> None:
        self._take(data)

    def handle_entityref(self, name: str) -> None:
        self._take(unescape(f"&{name};"))

    def handle_charref(self, name: str) -> None:
        self._take(unescape(f"&#{name};"))

    def _take(self, text: str) -> None:
        if self._in_title:
            self.title = f"{self.title}{text}".lstrip()
        elif not self._silent:
            line, column = self.getpos()
            self._add(text, self._lines.starts[line - 1] + column)

    def _add(self, text: str, source: int | None) -> None:
        """White space becomes one space, as a browser shows it."""
        begun = 0
        for space in _SPACE.finditer(text):
            self._put(text[begun : space.start()], None if source is None else source + begun)
            if self._text and not self._text.endswith(" "):
                self._put(" ", None if source is None else source + space.start())
            self._after_line_end |= "\n" in space[0]
            begun = space.end()
        self._put(text[begun:], None if source is None else source + begun)

    def _put(self, text: str, source: int | None) -> None:
        if not text or (source is None and not self._text):
            return
        if source is not None:
            last = self._runs[-1] if self._runs else None
            if last is None or self._after_line_end or last.source + len(self._text) - last.at != source:
                self._runs.append(Stretch(len(self._text), source, self._lines.line(source)))
                self._after_line_end = False
        self._text += text

    def end_block(self) -> None:
        """What was gathered is a block, or a heading."""
        text, runs, level = self._text, self._runs, self._level
        self._text, self._runs, self._level = "", [], 0
        text = text.removesuffix(" | ").rstrip(" :|") if text.endswith((" | ", ": ")) else text.rstrip()
        if not text.strip() or not runs:
            return
        if level:
            self._headings[level:] = [text, *[""] * (LEVELS - level)]
            return
        heading = " > ".join(one for one in self._headings if one)
        self.blocks.append(TextBlock(Traced(text, tuple(run for run in runs if run.at < len(text))), heading))
