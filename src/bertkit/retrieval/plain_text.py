"""Plain text: its paragraphs."""

from __future__ import annotations

import re
from collections.abc import Iterator

from bertkit.retrieval.documents import TextBlock
from bertkit.retrieval.traced import LineStarts

_BETWEEN = re.compile(r"\n\s*\n")  # blank lines


def text_blocks(source: str) -> Iterator[TextBlock]:
    """The stretches between blank lines, each as it stands in the source."""
    lines, begun = LineStarts(source), 0
    for end, after in [*(found.span() for found in _BETWEEN.finditer(source)), (len(source), len(source))]:
        text = source[begun:end]
        if stripped := text.strip():
            yield TextBlock(lines.traced(stripped, begun + len(text) - len(text.lstrip())))
        begun = after
