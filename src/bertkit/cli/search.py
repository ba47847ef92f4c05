"""`bertkit search`: the passages of an index that answer a question, and the answer."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bertkit.cli import options

if TYPE_CHECKING:
    from bertkit.retrieval.answering import SearchResult
    from bertkit.retrieval.searching import Hit

CELLS = 100
SHOWN_CHARACTERS = 420  # of a passage
OPENED, CLOSED = "\ue000", "\ue001"  # no text has these once it is on one line

IndexFolder = Annotated[Path, typer.Argument(help="What `bertkit index` made.", metavar="INDEX")]
Queries = Annotated[
    list[str], typer.Argument(help="A question, or words to look for; several are all answered.", metavar="QUESTION")
]
TopK = Annotated[int, typer.Option("--top-k", "-k", min=1, max=1_000, metavar="N", help="How many passages.")]
Hybrid = Annotated[bool, typer.Option("--hybrid", help="Words count too, beside meaning: for names, numbers, codes.")]
Rerank = Annotated[
    str | None, typer.Option(help="A cross-encoder that puts the best 50 in order: slower, better.", metavar="MODEL")
]
Answer = Annotated[bool, typer.Option("--answer", help="Read the passages for an answer, and mark it.")]
AnswerModel = Annotated[
    str | None, typer.Option(help="The question answerer; the built-in one when left out.", metavar="MODEL")
]
Filter = Annotated[
    str | None,
    typer.Option(help='Only documents whose fields are so: year>2020, or "year>=2020 and lang=en".', metavar="FILTER"),
]


def search(
    index: IndexFolder,
    queries: Queries,
    top_k: TopK = 5,
    hybrid: Hybrid = False,
    rerank: Rerank = None,
    answer: Answer = False,
    answer_model: AnswerModel = None,
    filter: Filter = None,
    device: options.Device = "auto",
    json: options.Json = False,
) -> None:
    """Find passages of your own documents by meaning, with their file and line.

    Examples:

      bertkit search notes.idx "What do we owe the printer?"

      bertkit search notes.idx "invoice 4711" --hybrid --answer

      bertkit search articles.idx "heat pumps" --filter "year>2020 and lang=en" --json
    """
    from bertkit.cli.output import json_line
    from bertkit.workflows.search import Searcher, SearchRequest

    request = SearchRequest(top_k, hybrid, rerank, answer_model or answer, filter)
    searcher = Searcher(index, device)
    for number, query in enumerate(queries):
        found = searcher.search(query, request)
        typer.echo(json_line(found.record(), "search") if json else "\n".join(["", *readable(found)][not number :]))


def readable(found: SearchResult) -> list[str]:
    """What was found, for a person: the answer marked in its passage."""
    from bertkit.terminal.messages import one_line

    lines = [one_line(found.query)]
    if found.asked:
        best = found.answer
        lines.append(
            "  no answer in these passages"
            if best is None
            else f"  {one_line(best.text)}  ({best.score:.2f}, {shown_place(found[best.hit].place_at(best.start))})"
        )
    if not found.hits:
        lines.append("  nothing found")
    for place, hit in enumerate(found.hits):
        under = f"  {one_line(hit.heading)}" if hit.heading else ""
        lines.append(f"  {hit.score:.3f}  {shown_place(hit.place)}{under}")
        span = (found.answer.start, found.answer.end) if found.answer and found.answer.hit == place else None
        lines += _passage(hit, span)
    return lines


def shown_place(place: str) -> str:
    """A place below the working folder as it is typed there."""
    here = f"{Path.cwd()}{os.sep}"
    return place.removeprefix(here)


def _passage(hit: Hit, span: tuple[int, int] | None) -> list[str]:
    """The text in lines, the answer marked; of a long one the part that has it."""
    import textwrap

    from bertkit.terminal.messages import one_line

    text, (start, end) = hit.text.text, span or (0, 0)
    begun = 0 if end <= SHOWN_CHARACTERS else max(0, start - SHOWN_CHARACTERS // 2)
    stop = max(end, begun + SHOWN_CHARACTERS)
    before, marked, after = (one_line(part) for part in (text[begun:start], text[start:end], text[end:stop]))
    shown = f"{'… ' if begun else ''}{before}{OPENED + marked + CLOSED if span else ''}{after}"
    shown += " …" if stop < len(text) else ""
    return list(_marked(textwrap.wrap(" ".join(shown.split()), CELLS)))


def _marked(lines: Sequence[str]) -> Iterator[str]:
    """Lines with marks as they are seen: colours on a terminal, which end with each line; else signs."""
    import sys

    from bertkit.terminal.messages import is_coloured

    coloured, is_open = is_coloured(sys.stdout), False
    opening, closing = ("\x1b[1;7m", "\x1b[0m") if coloured else (">>", "<<")
    for line in lines:
        begins = OPENED if is_open and coloured else ""
        is_open = line.rfind(OPENED) > line.rfind(CLOSED) or (is_open and CLOSED not in line)
        ends = CLOSED if is_open and coloured else ""
        yield " " * 9 + f"{begins}{line}{ends}".replace(OPENED, opening).replace(CLOSED, closing)
