"""Documents as WikiExtractor writes them: `<doc id=… title=…>`, the title, paragraphs and section titles, `</doc>`."""

from __future__ import annotations

import html
import re
from collections.abc import Iterable, Iterator

from bertkit.errors import InputError
from bertkit.formats.files import LEAVE_OUT

OPENING = "<doc "
_CLOSING = "</doc>"
_TITLE = re.compile(r'title="(.*)"\s*>$')  # to the last quote: the writer does not escape those inside a title
_LONGEST_HEADING = 60
_INSIDE_A_SENTENCE = re.compile(  # ends another sentence, or a word that headings hardly ever have
    r"[.!?][\"')]*\s|\b(?:is|was|are|were|am|be|been|has|had|have|does|did|do|can|could|will|would"
    r"|may|might|must|should|see|he|she|it|they|we|you|also|became|born|died)\b",
    re.IGNORECASE,
)


def is_tag(line: str) -> bool:
    """Whether a line opens or closes a document."""
    line = line.rstrip()
    return line == _CLOSING or (line.startswith(OPENING) and line.endswith(">"))


def documents_between_tags(lines: Iterable[tuple[int, str]], name: str) -> Iterator[tuple[int, str, list[str]]]:
    """Number of the opening line, that line, and the lines inside, of each document.

    Raises:
        InputError: text outside of a document, or a document that is not closed.
    """
    tag, began = "", 0
    inside: list[str] = []
    for number, line in lines:
        if not is_tag(line):
            if not tag and line.strip():
                raise InputError(f"{name}:{number}: text outside of <doc …> and </doc>", "Say another --format.")
            inside.append(line)
        elif line.startswith(OPENING):
            if tag:
                raise InputError(f"{name}:{number}: the document before, of line {began}, has no </doc>", LEAVE_OUT)
            tag, began, inside = line.rstrip(), number, []
        elif not tag:
            raise InputError(f"{name}:{number}: </doc> where no document is open", LEAVE_OUT)
        else:
            yield began, tag, inside
            tag, inside = "", []
    if tag:
        raise InputError(f"{name}:{began}: the document has no </doc>: the file is cut off", "Fetch the file again.")


def running_text(tag: str, lines: Iterable[str]) -> str:
    """The paragraphs of a document, one a line, without its title and its section titles.

    The first line that is not blank is the title when it equals the tag's title. A line is taken for a section title
    when `is_heading` says so: what it takes wrongly are short sentences, of which little is lost.
    """
    paragraphs = [line.strip() for line in lines if line.strip()]
    found = _TITLE.search(tag)
    if found and paragraphs and paragraphs[0] in (found[1], html.unescape(found[1])):
        del paragraphs[0]
    return "\n".join(line for line in paragraphs if not is_heading(line))


def is_heading(line: str) -> bool:
    """Whether a line looks like a section title: WikiExtractor ends these in ".".

    At most 60 characters ending in one ".", with no end of a sentence before it, and without the commonest English
    verbs and pronouns. (The words are English; for other languages length and punctuation decide.)
    """
    return (
        len(line) <= _LONGEST_HEADING
        and line.endswith(".")
        and not line.endswith("..")
        and not _INSIDE_A_SENTENCE.search(line)
    )
