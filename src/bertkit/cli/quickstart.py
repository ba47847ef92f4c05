"""`bertkit quickstart`: search, other tasks and fine-tuning on real text, from nothing, in one command."""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from bertkit.cli import options
from bertkit.errors import UserError

if TYPE_CHECKING:
    from bertkit.workflows.observer import Observer, Tick

QUESTIONS = (
    "What happens to a text that is too long for the model?",
    "How do I add a new model family?",
    "Why does the encoder need no padding?",
)
BEST = 3
TUNED = "build/quickstart-intents"
INDEX = "build/quickstart.idx"
NEXT_STEPS = (
    ("your own text", 'bertkit predict "A first sentence." "A second one."'),
    ("your own model", "bertkit predict -m MODEL_FOLDER_OR_HUB_NAME --json -i texts.txt -o vectors.jsonl"),
    ("your own files", 'bertkit index FOLDER -o my.idx && bertkit search my.idx "Your question?" --answer'),
    ("your own labels", "bertkit finetune --task text-classification --train texts.csv -o my-run"),
    ("your own service", "bertkit serve -m MODEL_FOLDER    (docs/serving.md)"),
)

Questions = Annotated[
    list[str] | None, typer.Argument(help="Questions; three typed ones when left out.", metavar="QUESTION")
]
Docs = Annotated[Path | None, typer.Option(help="A folder of texts to search.", metavar="FOLDER")]


def quickstart(
    questions: Questions = None, docs: Docs = None, model: options.Model = None, json: options.Json = False
) -> None:
    """Search real text by meaning, do other tasks, and fine-tune a model on labelled messages, with no set-up.

    The text is bertkit's own documentation, or the texts of a folder. With questions or a folder of your
    own it only searches.
    """
    began = time.perf_counter()
    root, sources = _sources(docs)
    from bertkit.cli.output import json_line

    with _place(stays=docs is None and model is None) as place:
        records, figures = _answers(questions or QUESTIONS, place, root, sources, model)
    figures["seconds"] = time.perf_counter() - began
    if json:
        for record in [*records, {"metrics": figures}]:
            typer.echo(json_line(record, "quickstart"))
        return
    typer.echo("\n".join([*_readable(records), "", _told(figures)]))
    if not questions and docs is None and model is None:
        from bertkit.cli.quickstart_tasks import show_tasks
        from bertkit.cli.quickstart_tuning import show_tuning

        show_tasks()
        show_tuning(_project() / TUNED)
    typer.echo("\n".join(_next_steps()))


def _sources(docs: Path | None) -> tuple[Path, list[Path]]:
    """The folder that places are told from, and what is searched."""
    if docs is None:
        root = _project()
        return root, [*sorted((root / "docs").glob("*.md")), *root.glob("README.md")]
    if not docs.is_dir():
        raise UserError(f"{docs}: no such folder", "Name a folder of texts with --docs.")
    return docs.resolve(), [docs]


@contextmanager
def _place(stays: bool) -> Iterator[Path]:
    """Where the index is. One of this project's pages stays, so that it is there the next time."""
    if stays:
        place = _project() / INDEX
        place.parent.mkdir(parents=True, exist_ok=True)
        yield place
        return
    with tempfile.TemporaryDirectory() as folder:
        yield Path(folder) / "quickstart.idx"


def _project() -> Path:
    """The folder of bertkit's source: the working directory, one above it, or where the package itself lies."""
    for folder in (Path.cwd(), *Path.cwd().parents, *Path(__file__).resolve().parents):
        if (folder / "docs" / "architecture.md").is_file() and (folder / "src" / "bertkit").is_dir():
            return folder
    raise UserError(
        "bertkit's documentation pages are not here (they are part of its source, not of the installed package)",
        "Name a folder of your own texts: bertkit quickstart --docs FOLDER",
    )


def _answers(
    questions: Sequence[str], place: Path, root: Path, sources: Sequence[Path], model: str | None
) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """What is found for each question, and figures of the work."""
    from bertkit.config.indexing import IndexConfig
    from bertkit.workflows.index import index
    from bertkit.workflows.search import Searcher, SearchRequest

    observer, seconds = _timing()
    made = index(IndexConfig(index=str(place), sources=[str(one) for one in sources], model=model), observer)
    searcher = Searcher(place)
    records = []
    for question in questions:
        passages = [
            {
                "score": hit.score,
                "place": hit.place.removeprefix(f"{root}{os.sep}"),
                "heading": hit.heading,
                "text": " ".join(hit.text.text.split()),
            }
            for hit in searcher.search(question, SearchRequest(BEST))
        ]
        records.append({"question": question, "passages": passages})
    speed = made.input_tokens / sum(seconds) if made.input_tokens else 0.0
    return records, {"passages": made.passages, "input_tokens": made.input_tokens, "tokens_per_second": speed}


def _timing() -> tuple[Observer, list[float]]:
    """What follows the work on the terminal, and the seconds from the first passage to the last vector."""
    from bertkit.terminal.observer import TerminalObserver

    seconds: list[float] = []

    class Timed(TerminalObserver):
        @contextmanager
        def counting(self, unit: str) -> Iterator[Tick]:
            began = time.perf_counter()
            with super().counting(unit) as tick:
                yield tick
            if unit == "passages":
                seconds.append(time.perf_counter() - began)

    return Timed(), seconds


def _readable(records: Sequence[dict[str, Any]]) -> list[str]:
    import textwrap

    from bertkit.terminal.messages import one_line

    lines = []
    for record in records:
        lines += ["", one_line(record["question"])]
        for passage in record["passages"]:
            under = f"  {one_line(passage['heading'])}" if passage["heading"] else ""
            lines.append(f"  {passage['score']:.3f}  {passage['place']}{under}")
            text = textwrap.shorten(one_line(passage["text"]), 400, placeholder=" …")
            lines += textwrap.wrap(text, 100, initial_indent=" " * 9, subsequent_indent=" " * 9)
    return lines[1:]


def _told(figures: Mapping[str, Any]) -> str:
    embedded = "none of them embedded anew"
    if figures["input_tokens"]:
        embedded = f"{figures['input_tokens']:,} tokens embedded at {figures['tokens_per_second']:,.0f} tokens/s"
    return f"{figures['passages']:,} passages, {embedded}; {figures['seconds']:.1f} s in all."


def _next_steps() -> list[str]:
    width = max(len(name) for name, _ in NEXT_STEPS)
    return ["", "Go on with", *(f"  {name:<{width}}  {command}" for name, command in NEXT_STEPS)]
