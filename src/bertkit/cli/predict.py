"""`bertkit predict`: texts in, one record each out, in input order."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Annotated, Any, Literal, cast

import typer

from bertkit.cli import column_options, options, task_options
from bertkit.cli.inputs import RowsOfTask, input_rows
from bertkit.errors import InputError, UserError

if TYPE_CHECKING:
    from bertkit.cli.answers import AnsweredRow, FailedRow, Waiting
    from bertkit.cli.carried import Carried
    from bertkit.cli.written_answers import Written
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

Keep = Annotated[
    str | None,
    typer.Option(metavar="A,B,…", help="Columns of the input to write beside each answer; id is one by itself."),
]
PartRows = Annotated[
    int | None, typer.Option(min=1, metavar="N", help="Of a folder of parts: rows in each; 10,000 if left out.")
]
Shard = Annotated[
    str | None, typer.Option(metavar="I/N", help="Of a folder of parts: make every N-th, so that machines share them.")
]
RUN_OPTIONS = ("dtype", "device", "revision", "long", "batch_tokens", "backend", "invariant", "prompt")


@column_options.column_options(column_options.ASKED)
def predict(
    context: typer.Context,
    texts: options.Texts = None,
    model: options.Model = None,
    task: Task = None,
    input: options.Input = None,
    output: options.RecordsFile = None,
    keep: Keep = None,
    part_rows: PartRows = None,
    shard: Shard = None,
    format: options.Format = None,
    delimiter: options.Delimiter = None,
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
    targets: task_options.Targets = None,
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

    Texts are arguments, or the rows of files (--input), or the lines of standard input.
    With --json or --output each text becomes one record, in input order.
    Into a folder (-o out/) they go in parts: killed and typed again, it goes on.
    """
    from bertkit.cli.answers import Waiting
    from bertkit.cli.bulk import BadRows, answer_in_parts, check_no_parts, parts_of
    from bertkit.cli.carried import Carried

    given, carried, waiting, bad = context.params, Carried.named(keep), Waiting(), BadRows()
    if bulk := parts_of(output):
        answer_in_parts(given, bulk, _rows(given, columns, bad.refused), bad, lambda: cast("Model", _loaded(given)))
        return
    check_no_parts(shard, part_rows)
    _answer_all(given, _rows(given, columns, waiting.refused), waiting, carried)


def _rows(given: Mapping[str, Any], columns: Mapping[str, str], on_bad_row: Callable[[InputError], None]) -> RowsOfTask:
    """The input, as the options say."""
    from bertkit.formats.dialects import with_delimiter

    return input_rows(
        given["texts"],
        text_pair=given["text_pair"],
        paths=given["input"],
        format=with_delimiter(given["format"], given["delimiter"]),
        columns=columns,
        every_row={"question": given["question"], "candidate_labels": given["candidate_labels"]},
        on_bad_row=on_bad_row if given["on_error"] == "record" else None,
    )


def _answer_all(given: Mapping[str, Any], rows: RowsOfTask, waiting: Waiting, carried: Carried) -> None:
    """Has the model answer the rows, as the options say.

    Args:
        given: the options of the command, by name.
    """
    from bertkit.cli.answers import answers
    from bertkit.cli.written_answers import open_answers

    on_error, keeps = given["on_error"], given["keep"] is not None
    of = {"with_errors": on_error == "record", "keeps": keeps, "few_labels": given["top_k"] is None}
    with open_answers(
        given["output"], as_json=given["json"], **of
    ) as written:  # before the model: an unwritable place shows at once
        loaded = _loaded(given)
        found = answers(loaded, rows(loaded.task.name, loaded.task.fields), waiting, on_error, carried)
        _write_all(found, written, on_error)


def _loaded(given: Mapping[str, Any]) -> Model | Explainer:
    """What answers, as the options say."""
    settings = {name: given[name] for name in (*RUN_OPTIONS, *task_options.TASK_OPTIONS)}
    explaining = _explaining(given["explain"], given["explain_target"], given["explain_steps"])
    return _load(given["model"], given["task"], explaining, **settings)


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
    model: str | None, task: str | None, explaining: dict[str, Any], **settings: str | int | bool | None
) -> Model | Explainer:
    from bertkit.inference.model import load

    given: dict[str, Any] = {name: value for name, value in settings.items() if not (value is None or value is False)}
    if not explaining:
        return load(model, task=task, **given)
    from bertkit.inference.explain import Explainer

    return Explainer(load(model, task=task, explainable=True, **given), **explaining)


def _write_all(found: Iterable[AnsweredRow | FailedRow], written: Written, on_error: str) -> None:
    """Writes every answer as it comes, and says how many rows failed."""
    from bertkit.cli.written_answers import put
    from bertkit.terminal.progress import progress_bar

    done = failed = 0
    with progress_bar("rows", shown=not written.to_terminal) as tick:
        for done, answer in enumerate(found, 1):
            failed += put(written, done, answer, on_error)
            tick()
    if failed:
        print(f"{failed} of {done} rows failed; their records say why", file=sys.stderr)
    if not done:
        print("the input holds no rows", file=sys.stderr)
