"""`bertkit predict`: texts in, one record each out, in input order."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Annotated, Any, Literal, TextIO

import typer

from bertkit.cli import column_options, options, task_options
from bertkit.cli.inputs import input_rows
from bertkit.errors import BertkitError, UserError
from bertkit.formats.files import GO_ON

if TYPE_CHECKING:
    from bertkit.cli.answers import AnsweredRow, Waiting
    from bertkit.cli.readable import Form
    from bertkit.formats.rows import Row
    from bertkit.inference.explain import Explainer
    from bertkit.inference.model import Model

Task = Annotated[
    str | None, typer.Option(help="What to do; what the checkpoint's head does when left out.", metavar="TASK")
]
BatchTokens = Annotated[
    int | None, typer.Option(min=1, metavar="N", help="Tokens in one batch: more is faster and takes more memory.")
]
Explain = Annotated[
    Literal["attribution", "rollout", "heads"] | None,
    typer.Option(help="Say why: what each word adds to the score, how attention flows, or which heads matter."),
]
ExplainTarget = Annotated[
    str | None,
    typer.Option(metavar="NAME", help="Explain this label, entity, answer or token instead of the best one."),
]
ExplainSteps = Annotated[
    int | None, typer.Option(min=1, metavar="N", help="--explain attribution: steps; more is nearer to exact (32).")
]


@column_options.column_options(column_options.ASKED)
def predict(
    context: typer.Context,
    texts: options.Texts = None,
    model: options.Model = None,
    task: Task = None,
    input: options.Input = None,
    output: options.Output = None,
    format: options.Format = None,
    columns: Mapping[str, str] = column_options.NONE,
    text_pair: options.TextPair = None,
    question: task_options.Question = None,
    candidate_labels: task_options.CandidateLabels = None,
    long: options.Long = "error",
    dtype: options.DType = "auto",
    device: options.Device = "auto",
    backend: options.Backend = "auto",
    invariant: options.Invariant = False,
    on_error: options.OnError = "stop",
    batch_tokens: BatchTokens = None,
    top_k: task_options.TopK = None,
    problem: task_options.Problem = None,
    aggregation: task_options.Aggregation = None,
    max_answer_tokens: task_options.MaxAnswerTokens = None,
    doc_stride: task_options.DocStride = None,
    hypothesis_template: task_options.HypothesisTemplate = None,
    prompt: task_options.Prompt = None,
    truncate_dim: task_options.TruncateDim = None,
    precision: task_options.Precision = None,
    explain: Explain = None,
    explain_target: ExplainTarget = None,
    explain_steps: ExplainSteps = None,
    revision: options.Revision = None,
    json: options.Json = False,
) -> None:
    """Run a model over texts: labels, entities, answers, embeddings, filled masks, …

    Texts are arguments, or the rows of a file (--input), or the lines of standard input.
    With --json or --output each text becomes one JSON record, in input order.
    """
    from bertkit.cli.answers import Waiting
    from bertkit.cli.output import open_output

    waiting = Waiting()
    rows = input_rows(
        texts,
        text_pair=text_pair,
        path=input,
        format=format,
        columns=columns,
        every_row={"question": question, "candidate_labels": candidate_labels},
        on_bad_row=waiting.refused if on_error == "record" else None,
    )
    with open_output(output) as out:  # before the model: an unwritable place shows at once
        settings = {"dtype": dtype, "device": device, "revision": revision, "long": long, "batch_tokens": batch_tokens}
        settings |= {"backend": backend, "invariant": invariant or None}
        own = {name: context.params[name] for name in task_options.TASK_OPTIONS} | {"prompt": prompt}
        loaded = _load(model, task, _explaining(explain, explain_target, explain_steps), **settings, **own)
        _answer_all(loaded, rows, waiting, out, on_error, as_json=json, to_file=output is not None)


def _answer_all(
    model: Model | Explainer,
    rows: Iterator[Row],
    waiting: Waiting,
    out: TextIO,
    on_error: Literal["stop", "record"],
    *,
    as_json: bool,
    to_file: bool,
) -> None:
    from bertkit.cli.answers import answers
    from bertkit.cli.explained import ExplainedForm
    from bertkit.cli.readable import JsonLines, Readable
    from bertkit.terminal.progress import progress_bar

    form = JsonLines() if as_json or to_file else ExplainedForm(Readable())
    with progress_bar("rows", shown=to_file or not out.isatty()) as tick:
        done, failed = _write_all(answers(model, rows, waiting, on_error), form, out, on_error, tick)
    if failed:
        print(f"{failed} of {done} rows failed; their records say why", file=sys.stderr)
    if not done:
        print("the input holds no rows", file=sys.stderr)


def _explaining(kind: str | None, target: str | None, steps: int | None) -> dict[str, Any]:
    """What the explainer is made with; nothing where no explanation is asked for."""
    if kind is None and (target is not None or steps is not None):
        option = "--explain-target" if target is not None else "--explain-steps"
        raise UserError(f"{option} without --explain", "Say which: --explain attribution, rollout or heads.")
    if kind != "attribution" and steps is not None:
        raise UserError(f"--explain {kind} has no steps", "Leave --explain-steps out.")
    given = {"kind": kind, "target": target, "steps": steps}
    return {name: value for name, value in given.items() if value is not None}


def _load(
    model: str | None, task: str | None, explaining: dict[str, Any], **settings: str | int | None
) -> Model | Explainer:
    from bertkit.inference.model import load

    given: dict[str, Any] = {name: value for name, value in settings.items() if value is not None}
    if not explaining:
        return load(model, task=task, **given)
    from bertkit.inference.explain import Explainer

    return Explainer(load(model, task=task, explainable=True, **given), **explaining)


def _write_all(
    found: Iterable[AnsweredRow | BertkitError], form: Form, out: TextIO, on_error: str, tick: Callable[[], None]
) -> tuple[int, int]:
    """Writes every answer as it comes; returns how many rows there were, and how many of them failed."""
    from bertkit.terminal.messages import write_line

    done = failed = 0
    for done, answer in enumerate(found, 1):
        line, is_error = _line(form, done, answer, on_error)
        write_line(out, line)
        failed += is_error
        tick()
    return done, failed


def _line(form: Form, number: int, answer: AnsweredRow | BertkitError, on_error: str) -> tuple[str, bool]:
    """The line of one answer, and whether it is an error that was recorded."""
    try:
        if isinstance(answer, BertkitError):
            raise answer
        return form.text(number, answer), False
    except BertkitError as error:  # also raised by a result that cannot be written
        if on_error == "stop":
            raise
        error.remedy = error.remedy.replace(GO_ON, "")  # which is what was done
        return form.error(number, error), True
