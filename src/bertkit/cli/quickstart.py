"""`bertkit quickstart`: search, other tasks and fine-tuning on real text, from nothing, in one command."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from bertkit.cli import options
from bertkit.errors import UserError

if TYPE_CHECKING:
    import numpy as np

    from bertkit.cli.passages import Passage
    from bertkit.inference.model import Model

QUESTIONS = (
    "What happens to a text that is too long for the model?",
    "How do I add a new model family?",
    "Why does the encoder need no padding?",
)
BEST = 3
TUNED = "build/quickstart-intents"
NEXT_STEPS = (
    ("your own text", 'bertkit predict "A first sentence." "A second one."'),
    ("your own model", "bertkit predict -m MODEL_FOLDER_OR_HUB_NAME --json -i texts.txt -o vectors.jsonl"),
    ("your own files", 'bertkit quickstart --docs FOLDER "Your question?"'),
    ("your own labels", "bertkit finetune --task text-classification --train texts.csv -o my-run"),
    ("your own service", "bertkit serve -m MODEL_FOLDER    (docs/serving.md)"),
)

Questions = Annotated[
    list[str] | None, typer.Argument(help="Questions; three typed ones when left out.", metavar="QUESTION")
]
Docs = Annotated[Path | None, typer.Option(help="A folder of .md and .txt files to search.", metavar="FOLDER")]


@dataclass(frozen=True, slots=True)
class Index:
    """Embedded passages and what embedding them took.

    Args:
        passages: `P` of them.
        vectors_PW: a unit vector for each.
        tokens: read by the model, special tokens included.
        seconds: from the first passage to the last vector, tokenization included, loading not.
    """

    passages: Sequence[Passage]
    vectors_PW: np.ndarray[Any, np.dtype[np.float32]]
    tokens: int
    seconds: float


def quickstart(
    questions: Questions = None, docs: Docs = None, model: options.Model = None, json: options.Json = False
) -> None:
    """Search real text by meaning, do other tasks, and fine-tune a model on labelled messages, with no set-up.

    The text is bertkit's own documentation, or the .md and .txt files of a folder. With questions or a folder of your
    own it only searches.
    """
    began = time.perf_counter()
    passages = _passages(docs)
    from bertkit.cli.output import json_line
    from bertkit.inference.model import load

    loaded = load(model, task="sentence-embedding", long="window")
    index = _index(loaded, passages)
    records = [_answer(loaded, index, question) for question in questions or QUESTIONS]
    seconds = time.perf_counter() - began
    if json:
        metrics = {
            "passages": len(index.passages),
            "input_tokens": index.tokens,
            "tokens_per_second": index.tokens / index.seconds,
            "seconds": seconds,
        }
        for record in [*records, {"metrics": metrics}]:
            typer.echo(json_line(record, "quickstart"))
        return
    typer.echo("\n".join([*_readable(records), "", _figures(index, seconds)]))
    if not questions and docs is None and model is None:
        from bertkit.cli.quickstart_tasks import show_tasks
        from bertkit.cli.quickstart_tuning import show_tuning

        show_tasks()
        show_tuning(_project() / TUNED)
    typer.echo("\n".join(_next_steps()))


def _passages(docs: Path | None) -> list[Passage]:
    from bertkit.cli.passages import passages_of, text_files

    if docs is not None and not docs.is_dir():
        raise UserError(f"{docs}: no such folder", "Name a folder of .md and .txt files with --docs.")
    root = docs or _project()
    files = text_files(root) if docs else [*sorted((root / "docs").glob("*.md")), root / "README.md"]
    passages = [
        passage for file in files if file.is_file() for passage in passages_of(file, str(file.relative_to(root)))
    ]
    if not passages:
        raise UserError(f"{root}: no .md or .txt file with text in it", "Name another folder with --docs.")
    return passages


def _project() -> Path:
    """The folder of bertkit's source: the working directory, one above it, or where the package itself lies."""
    for folder in (Path.cwd(), *Path.cwd().parents, *Path(__file__).resolve().parents):
        if (folder / "docs" / "architecture.md").is_file() and (folder / "src" / "bertkit").is_dir():
            return folder
    raise UserError(
        "bertkit's documentation pages are not here (they are part of its source, not of the installed package)",
        "Name a folder of your own .md and .txt files: bertkit quickstart --docs FOLDER",
    )


def _index(model: Model, passages: Sequence[Passage]) -> Index:
    from bertkit.terminal.progress import progress_bar

    began = time.perf_counter()
    records: list[dict[str, Any]] = []
    with progress_bar("passages", shown=True, total=len(passages)) as tick:
        for result in model.stream([passage.in_context for passage in passages]):
            records.append(result.record())
            tick()
    tokens: int = sum(record["input_tokens"] for record in records)
    return Index(passages, _unit_vectors(records), tokens, time.perf_counter() - began)


def _unit_vectors(records: Sequence[dict[str, Any]]) -> np.ndarray[Any, np.dtype[np.float32]]:
    import numpy as np

    vectors_PW: np.ndarray[Any, np.dtype[np.float32]]
    vectors_PW = np.asarray([record["embedding"] for record in records], dtype=np.float32)
    vectors_PW /= np.maximum(np.linalg.norm(vectors_PW, axis=1, keepdims=True), 1e-12)
    return vectors_PW


def _answer(model: Model, index: Index, question: str) -> dict[str, Any]:
    (vector_W,) = _unit_vectors([result.record() for result in model.predict([question])])
    scores_P = index.vectors_PW @ vector_W
    best = [(index.passages[place], float(scores_P[place])) for place in (-scores_P).argsort(kind="stable")[:BEST]]
    return {
        "question": question,
        "passages": [
            {"score": score, "place": passage.place, "heading": passage.heading, "text": passage.text}
            for passage, score in best
        ],
    }


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


def _figures(index: Index, seconds: float) -> str:
    speed = index.tokens / index.seconds
    return (
        f"{len(index.passages):,} passages, {index.tokens:,} tokens embedded at {speed:,.0f} tokens/s; "
        f"{seconds:.1f} s in all."
    )


def _next_steps() -> list[str]:
    width = max(len(name) for name, _ in NEXT_STEPS)
    return ["", "Go on with", *(f"  {name:<{width}}  {command}" for name, command in NEXT_STEPS)]
