"""`bertkit predict`: texts in, one record each out, in input order."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Annotated, TextIO

import typer

from bertkit.cli import options
from bertkit.cli.inputs import chosen_columns, input_rows
from bertkit.errors import BertkitError

if TYPE_CHECKING:
    from bertkit.cli.answers import Answer
    from bertkit.cli.readable import Form
    from bertkit.inference.model import Model

Task = Annotated[
    str | None, typer.Option(help="What to do; what the checkpoint's head does when left out.", metavar="TASK")
]
BatchTokens = Annotated[
    int | None, typer.Option(min=1, metavar="N", help="Tokens in one batch: more is faster and takes more memory.")
]
TopK = Annotated[int | None, typer.Option(min=1, metavar="N", help="fill-mask: how many candidates for each mask.")]


def predict(
    texts: options.Texts = None,
    model: options.Model = None,
    task: Task = None,
    input: options.Input = None,
    output: options.Output = None,
    format: options.Format = None,
    text_column: options.TextColumn = None,
    text_pair_column: options.TextPairColumn = None,
    text_pair: options.TextPair = None,
    long: options.Long = "error",
    dtype: options.DType = "auto",
    device: options.Device = "auto",
    on_error: options.OnError = "stop",
    batch_tokens: BatchTokens = None,
    top_k: TopK = None,
    revision: options.Revision = None,
    json: options.Json = False,
) -> None:
    """Run a model over texts: embeddings, filled masks, …

    Texts are arguments, or the rows of a file (--input), or the lines of standard input.
    With --json or --output each text becomes one JSON record, in input order.
    """
    from bertkit.cli.answers import Waiting, answers
    from bertkit.cli.output import open_output
    from bertkit.cli.progress import progress_bar
    from bertkit.cli.readable import JsonLines, Readable

    waiting = Waiting()
    rows = input_rows(
        texts,
        text_pair=text_pair,
        path=input,
        format=format,
        columns=chosen_columns(text=text_column, text_pair=text_pair_column),
        on_bad_row=waiting.refused if on_error == "record" else None,
    )
    with open_output(output) as out:  # before the model: an unwritable place shows at once
        loaded = _load(
            model,
            task,
            dtype=dtype,
            device=device,
            revision=revision,
            long=long,
            batch_tokens=batch_tokens,
            top_k=top_k,
        )
        form = JsonLines() if json or output is not None else Readable()
        with progress_bar("rows", shown=output is not None or not out.isatty()) as tick:
            done, failed = _write_all(answers(loaded, rows, waiting, on_error), form, out, on_error, tick)
    if failed:
        print(f"{failed} of {done} rows failed; their records say why", file=sys.stderr)
    if not done:
        print("the input holds no rows", file=sys.stderr)


def _load(model: str | None, task: str | None, **settings: str | int | None) -> Model:
    from bertkit.inference.model import load

    given = {name: value for name, value in settings.items() if value is not None}
    return load(model, task=task, **given)  # type: ignore[arg-type]


def _write_all(
    found: Iterable[Answer | BertkitError], form: Form, out: TextIO, on_error: str, tick: Callable[[], None]
) -> tuple[int, int]:
    """Writes every answer as it comes; returns how many rows there were, and how many of them failed."""
    from bertkit.cli.output import write_line

    done = failed = 0
    for done, answer in enumerate(found, 1):
        line, is_error = _line(form, done, answer, on_error)
        write_line(out, line)
        failed += is_error
        tick()
    return done, failed


def _line(form: Form, number: int, answer: Answer | BertkitError, on_error: str) -> tuple[str, bool]:
    """The line of one answer, and whether it is an error that was recorded."""
    try:
        if isinstance(answer, BertkitError):
            raise answer
        return form.text(number, answer), False
    except BertkitError as error:  # also raised by a result that cannot be written
        if on_error == "stop":
            raise
        return form.error(number, error), True
