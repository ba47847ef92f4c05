"""`bertkit evaluate`: a model, or predictions that anyone made, scored beside labelled data. These without torch."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Annotated, Literal, TextIO

import typer

from bertkit.cli import column_options, options, task_options
from bertkit.cli.scored import ANSWERS, MASKS
from bertkit.errors import UserError

if TYPE_CHECKING:
    from bertkit.cli.calibrate import Kept
    from bertkit.cli.scored import Measured
    from bertkit.families.labels import Problem
    from bertkit.labelled.examples import Example
    from bertkit.metrics.intervals import Comparison, Interval
    from bertkit.metrics.label_counts import Counts

Task = Annotated[
    str | None,
    typer.Option(help="What was predicted; by the model or the predictions when left out.", metavar="TASK"),
]
Data = Annotated[str, typer.Option(help="Labelled data; SQuAD's files end in .json or .json.gz.", metavar="FILE")]
Predictions = Annotated[
    str | None,
    typer.Option(help="Records of `bertkit predict --json`, or answers by id as SQuAD's scripts read.", metavar="FILE"),
]
NoAnswerScores = Annotated[
    str | None,
    typer.Option(help="question-answering by id: how probable no answer is, a JSON object by id.", metavar="FILE"),
]
Model = Annotated[
    str | None, typer.Option("--model", "-m", help="Score this model: a folder or a hub name.", metavar="MODEL")
]
DataFormat = Annotated[
    Literal["lines", "jsonl", "csv", "tsv", "parquet", "conll", "squad"] | None,
    typer.Option(help="Format of the labelled data; by its ending when left out."),
]
Report = Annotated[
    str | None,
    typer.Option(
        help="Write a page with all that is known, which needs nothing else; --json prints it.", metavar="FILE"
    ),
]
Against = Annotated[
    str | None, typer.Option(help="Other predictions for the same data: is the difference chance?", metavar="FILE")
]
Calibrate = Annotated[
    bool,
    typer.Option(
        "--calibrate",
        help="text-classification: find the temperature that makes scores honest, and keep it in the model's folder. "
        "Not on the data that you report results of.",
    ),
]
AbstainAtPrecision = Annotated[
    float | None,
    typer.Option(
        min=0.0, max=1.0, metavar="P", help="--calibrate: answer only from the score where this share is right."
    ),
]
WITH_PROBLEM = ("text-classification", "zero-shot-classification")
NO_COMPARISON: Mapping[str, Comparison] = MappingProxyType({})
LABELLED_AS = {"zero-shot-classification": "text-classification"}  # whose data is labelled alike


@column_options.column_options(column_options.LABELLED)
def evaluate(
    data: Data,
    task: Task = None,
    predictions: Predictions = None,
    model: Model = None,
    problem: task_options.Problem = None,
    no_answer_scores: NoAnswerScores = None,
    format: DataFormat = None,
    columns: Mapping[str, str] = column_options.NONE,
    bad_answers: task_options.BadAnswers = None,
    report: Report = None,
    against: Against = None,
    calibrate: Calibrate = False,
    abstain_at_precision: AbstainAtPrecision = None,
    long: options.Long = "window",
    dtype: options.DType = "auto",
    device: options.Device = "auto",
    json: options.Json = False,
) -> None:
    """Score a model, or predictions, beside labelled data: accuracy, F1, entities, SQuAD's exact match, nDCG, …

    Predictions are in the order of the data, one record a line; or answers by SQuAD's ids.
    """
    from bertkit.cli.calibrate import folder_to_calibrate, keep_calibration
    from bertkit.cli.models import model_folder
    from bertkit.cli.scored import Measured, scored_model, scored_predictions
    from bertkit.cli.scored_task import task_of
    from bertkit.metrics.task_scores import SCORERS
    from bertkit.reports.beside import Beside

    if (model is None) == (predictions is None):
        raise UserError("what is scored is a model or predictions", "Give -m MODEL or --predictions FILE, not both.")
    task = task_of(model, predictions) if task is None else task
    _check(task, problem, no_answer_scores, report)
    keep_in = folder_to_calibrate(model, task, problem, calibrate, abstain_at_precision)
    # A task without scores is refused by what scores, before its data, which may have no reader either, is opened.
    scorable = task in SCORERS or (task == MASKS and model is not None)
    examples = _examples(data, task, problem, format, columns, bad_answers) if scorable else []
    with _page(report) as page:  # before the model: an unwritable place shows at once
        other = None if against is None else scored_predictions(task, problem, against, None, examples)
        if predictions is not None:
            found = scored_predictions(task, problem, predictions, no_answer_scores, examples)
        else:
            settings = {"long": long, "dtype": dtype, "device": device}
            found = scored_model(task, problem, data, examples, model, keep_in is not None, **settings)
        beside = None if model is None else Beside.read(model_folder(model, None))
        subject = f"{model or predictions} on {data}"
        measured = Measured(subject, task, problem, found.examples, found, other, against, beside)
        if page is not None:
            page.write(measured.page())
        kept = None
        if keep_in is not None:
            kept = keep_calibration(keep_in, data, found.problem, found.answers, examples, abstain_at_precision)
    _print(measured, kept, report, data, json)


def _check(task: str, problem: str | None, no_answer_scores: str | None, report: str | None) -> None:
    if problem is not None and task not in WITH_PROBLEM:
        raise UserError(f"--problem with {task}", f"Leave it out; it is for {' and '.join(WITH_PROBLEM)}.")
    if no_answer_scores is not None and task != ANSWERS:
        raise UserError(f"--no-answer-scores with {task}", f"Leave it out; it is for {ANSWERS}.")
    if report is not None and task == MASKS:
        raise UserError(f"--report with {task}, whose masks are no examples", "Leave it out.")


def _page(path: str | None) -> AbstractContextManager[TextIO | None]:
    from bertkit.checkpoints.folders import atomic_file

    return nullcontext() if path is None else atomic_file(Path(path))


def _print(measured: Measured, kept: Kept | None, report: str | None, data: str, json: bool) -> None:
    import json as json_form

    if json:
        record = measured.record(whole=report is not None) | ({} if kept is None else {"kept": kept.record()})
        typer.echo(json_form.dumps(record, allow_nan=False))
        return
    count = len(measured.examples)
    typer.echo(f"{measured.task}: {count:,} example{'s' if count > 1 else ''} of {data}")
    scores = measured.found.scores
    typer.echo(shown(scores.metrics, scores.counts, measured.intervals, measured.comparison))
    for line in [] if kept is None else kept.in_words():
        typer.echo(line)
    if report is not None:
        typer.echo(f"report: {report}")


def shown(
    metrics: Mapping[str, float],
    counts: Mapping[str, Counts],
    intervals: Mapping[str, Interval],
    comparison: Mapping[str, Comparison] = NO_COMPARISON,
) -> str:
    """The scores as tables: the metrics, then beside another's, then each label's own, where there are such."""
    from bertkit.cli.readable import table

    parts = [table(("metric", "value", "95 % interval"), [_metric(*one, intervals) for one in metrics.items()])]
    if comparison:
        differences = [
            (name, f"{one.difference:+.4f}", f"{one.low:+.4f} to {one.high:+.4f}", f"{one.p_value:.3f}")
            for name, one in comparison.items()
        ]
        parts.append(table(("metric", "difference", "95 % interval", "p"), differences))
    if counts:
        rows = [
            (label, f"{one.precision:.4f}", f"{one.recall:.4f}", f"{one.f1:.4f}", f"{one.gold:,}", f"{one.predicted:,}")
            for label, one in counts.items()
        ]
        parts.append(table(("label", "precision", "recall", "f1", "in data", "predicted"), rows))
    return "\n\n".join(parts)


def _metric(name: str, value: float, intervals: Mapping[str, Interval]) -> tuple[str, str, str]:
    one = intervals.get(name)
    return name, f"{value:.4f}", "" if one is None else f"{one.low:.4f} to {one.high:.4f}"


def _examples(
    path: str,
    task: str,
    problem: Problem | None,
    format: str | None,
    columns: Mapping[str, str],
    bad_answers: Literal["stop", "drop"] | None,
) -> list[Example]:
    from bertkit.labelled.reading import read_examples
    from bertkit.labelled.score_range import range_in_words

    read_as = LABELLED_AS.get(task, task)
    note = partial(print, file=sys.stderr)
    dropped = note if bad_answers == "drop" else None
    read = partial(read_examples, path, read_as, problem=problem, format=format, columns=columns)
    examples = list(read(dropped=dropped, note=note))
    if task == "sentence-embedding":
        for line in range_in_words([one.target for one in examples if isinstance(one.target, float)]):
            note(line)
    return examples
