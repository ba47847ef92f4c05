"""`bertkit loadtest`: how many requests a server answers, and how long they wait."""

from __future__ import annotations

import json as json_library
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from bertkit.cli import options
from bertkit.errors import InputError, UserError

if TYPE_CHECKING:
    from bertkit.benchmarking.load_summary import LoadStep
    from bertkit.workflows.loadtest import LoadtestConfig

Url = Annotated[str, typer.Argument(help="Where the server is, such as http://localhost:8000.", metavar="URL")]
Rates = Annotated[
    str | None,
    typer.Option(
        "--rate",
        help="Requests a second, one or several; doubled until it does not keep up if left out.",
        metavar="LIST",
    ),
]
Seconds = Annotated[float, typer.Option(help="Of each rate.", metavar="SECONDS")]
Timeout = Annotated[float, typer.Option(help="For which an answer is waited for.", metavar="SECONDS")]
Input = Annotated[
    Path | None,
    typer.Option("--input", "-i", help="Rows to ask; made texts of mixed lengths if left out.", metavar="FILE"),
]
Check = Annotated[
    Path | None,
    typer.Option(help="Their right answers, as `bertkit predict -i FILE --json` prints them.", metavar="FILE"),
]
Tolerance = Annotated[
    float | None, typer.Option(help="That numbers may differ by: 1e-5 for float32, else 1e-2.", min=0.0)
]
Route = Annotated[Literal["predict", "openai"], typer.Option(help="POST /v1/predict, or OpenAI's POST /v1/embeddings.")]
Model = Annotated[str | None, typer.Option("--model", "-m", help="As the server calls it.", metavar="NAME")]
Key = Annotated[str | None, typer.Option(envvar="BERTKIT_API_KEY", help="That the server asks for.", metavar="KEY")]
Html = Annotated[Path | None, typer.Option("--html", help="Write a page of charts.", metavar="FILE")]
Seed = Annotated[int, typer.Option(help="Of the times at which requests are sent.")]


def loadtest(
    url: Url,
    rate: Rates = None,
    seconds: Seconds = 10.0,
    input: Input = None,
    check: Check = None,
    tolerance: Tolerance = None,
    route: Route = "predict",
    model: Model = None,
    api_key: Key = None,
    timeout: Timeout = 30.0,
    html: Html = None,
    seed: Seed = 0,
    json: options.Json = False,
) -> None:
    """Ask a server at rates that are settled beforehand, and tell how long requests waited.

    Requests come at random, whether or not others are answered, and what each took is counted from when it was due.
    The last line is JSON. Exit code 1 where an answer is wrong, or there was none at all.
    """
    from bertkit.terminal.observer import TerminalObserver
    from bertkit.workflows.loadtest import LoadtestConfig, loadtest

    if check is not None and input is None:
        raise UserError("--check without --input", "Name the file that the answers were made of.")
    rows: dict[str, Any] = {} if input is None else {"rows": _rows(input)}
    config = LoadtestConfig(
        url=url,
        **rows,
        route=route,
        model=model,
        key=api_key,
        rates=_rates(rate),
        seconds=seconds,
        patience_seconds=timeout,
        expected=None if check is None else _records(check),
        tolerance=tolerance,
        seed=seed,
    )
    steps = loadtest(config, TerminalObserver())
    _tell(config, steps, html, json)
    if any(one.statuses.get("lost") or one.verdicts.get("wrong") or one.verdicts.get("mixed up") for one in steps):
        raise typer.Exit(1)


def _tell(config: LoadtestConfig, steps: Sequence[LoadStep], html: Path | None, json: bool) -> None:
    from bertkit.checkpoints.folders import atomic_file
    from bertkit.reports.loadtest_page import HEADER, ShownStep, loadtest_page
    from bertkit.terminal.messages import say
    from bertkit.terminal.tables import table

    shown = [ShownStep(step.record(), [(one.due, 1e3 * one.seconds) for one in step.answered]) for step in steps]
    if not json:
        typer.echo(table(HEADER, [one.cells() for one in shown], indent=""))
    if html is not None:
        with atomic_file(html) as file:
            file.write(loadtest_page(f"{config.url}, {config.model or config.route}", shown))
        say(f"page: {html}")
    told = {"url": config.url, "route": config.route, "model": config.model, "rows": len(config.rows)}
    typer.echo(json_library.dumps(told | {"seed": config.seed, "steps": [one.record for one in shown]}))


def _rates(words: str | None) -> tuple[float, ...]:
    try:
        return () if words is None else tuple(float(word) for word in words.split(","))
    except ValueError:
        raise UserError(f"--rate {words}: not numbers", "Such as --rate 10,20,40.") from None


def _rows(path: Path) -> list[dict[str, object]]:
    from bertkit.formats.rows import read_rows

    found = [dict(row.fields) for row in read_rows(str(path))]
    if not found:
        raise InputError(f"{path}: has no rows", "Name a file of texts.")
    return found


def _records(path: Path) -> list[dict[str, object]]:
    from bertkit.formats.rows import read_rows

    found = [dict(row.fields) for row in read_rows(str(path), format="jsonl")]
    for number, record in enumerate(found, 1):
        if "error" in record:
            raise InputError(f"{path}: record {number} is an error", "Leave its row out of both files.")
    return found
