"""`bertkit evaluate`: scores a model, or (without torch) a file of anyone's predictions, on labelled data."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Annotated, Any

import typer

from bertkit.cli import column_options, options, task_options
from bertkit.errors import UserError

if TYPE_CHECKING:
    from bertkit.config.evaluation import CalibrateConfig
    from bertkit.metrics.intervals import Comparison, Interval
    from bertkit.metrics.label_counts import Counts
    from bertkit.terminal.observer import TerminalObserver
    from bertkit.workflows.calibration import Calibration
    from bertkit.workflows.evaluation import Evaluation

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
    options.FormatName | None,
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
        "Not on the data that you report results of. sentence-embedding: the ranges of int8 vectors, on any texts.",
    ),
]
AbstainAtPrecision = Annotated[
    float | None,
    typer.Option(
        min=0.0, max=1.0, metavar="P", help="--calibrate: answer only from the score where this share is right."
    ),
]
NO_COMPARISON: Mapping[str, Comparison] = MappingProxyType({})


@column_options.column_options(column_options.LABELLED)
def evaluate(
    data: Data,
    task: Task = None,
    predictions: Predictions = None,
    model: Model = None,
    problem: task_options.Problem = None,
    no_answer_scores: NoAnswerScores = None,
    format: DataFormat = None,
    delimiter: options.Delimiter = None,
    columns: Mapping[str, str] = column_options.NONE,
    bad_answers: task_options.BadAnswers = None,
    report: Report = None,
    against: Against = None,
    calibrate: Calibrate = False,
    abstain_at_precision: AbstainAtPrecision = None,
    long: options.Long = "window",
    dtype: options.DType = "auto",
    device: options.Device = "auto",
    backend: options.Backend = "auto",
    precision: task_options.Precision = None,
    json: options.Json = False,
) -> None:
    """Score a model, or predictions, beside labelled data: accuracy, F1, entities, SQuAD's exact match, nDCG, …

    Predictions are in the order of the data, one record a line; or answers by SQuAD's ids.
    """
    from bertkit.config.evaluation import CalibrateConfig, EvaluateConfig
    from bertkit.formats.dialects import with_delimiter
    from bertkit.terminal.observer import TerminalObserver
    from bertkit.workflows.evaluate import evaluate as scored

    if not calibrate and abstain_at_precision is not None:
        raise UserError("--abstain-at-precision without --calibrate", "Add --calibrate.")
    given: dict[str, Any] = {
        "data": data,
        "task": task,
        "predictions": predictions,
        "model": model,
        "problem": problem,
        "no_answer_scores": no_answer_scores,
        "format": with_delimiter(format, delimiter),
        "columns": dict(columns),
        "bad_answers": bad_answers,
        "report": report,
        "against": against,
        "long": long,
        "dtype": dtype,
        "device": device,
        "backend": backend,
        "precision": precision,
    }
    observer = TerminalObserver()
    if calibrate:
        _calibrate(CalibrateConfig(**given, abstain_at_precision=abstain_at_precision), observer, data, json)
    else:
        _print(scored(EvaluateConfig(**given), observer), None, report, data, json)


def _calibrate(config: CalibrateConfig, observer: TerminalObserver, data: str, json: bool) -> None:
    import json as json_form

    from bertkit.workflows.calibrate import calibrate as calibrated
    from bertkit.workflows.vector_ranges import asks_for_ranges, find_ranges

    if asks_for_ranges(config):
        ranges = find_ranges(config, observer)
        typer.echo(json_form.dumps({"kept": ranges.record()}) if json else "\n".join(ranges.lines()))
        return
    found = calibrated(config, observer)
    _print(found.evaluation, found, config.report, data, json)


def _print(found: Evaluation, calibration: Calibration | None, report: str | None, data: str, json: bool) -> None:
    import json as json_form

    if json:
        kept = {} if calibration is None else {"kept": calibration.record()}
        typer.echo(json_form.dumps(found.record(whole=report is not None) | kept, allow_nan=False))
        return
    count = len(found.examples)
    typer.echo(f"{found.task}: {count:,} example{'s' if count > 1 else ''} of {data}")
    typer.echo(shown(found.metrics, found.labels, found.intervals, found.comparison))
    for line in [] if calibration is None else _in_words(calibration, data):
        typer.echo(line)
    if report is not None:
        from bertkit.reports.mistakes_file import mistakes_path

        typer.echo(f"report: {report}, all mistakes: {mistakes_path(report)}")


def _in_words(found: Calibration, data: str) -> Iterator[str]:
    kept = found.kept
    before, after = kept.error_before, kept.error_after
    yield f"\nexpected calibration error: {before:.4f} before, {after:.4f} after, each half fitted on the other"
    if after >= before:
        yield "it did not fall: remove the file below to have the scores as they were"
    yield f"temperature: {kept.temperature:.4f}"
    if found.abstaining is not None:
        one = found.abstaining
        of_them = "" if one.precision is None else f", {one.precision:.2%} of them right"
        yield f"abstains below a score of {one.threshold:.4f}: answers {one.coverage:.2%}{of_them} (other half)"
    yield f"kept in {found.path}; {data} is no test set of this model any more"


def shown(
    metrics: Mapping[str, float],
    counts: Mapping[str, Counts],
    intervals: Mapping[str, Interval],
    comparison: Mapping[str, Comparison] = NO_COMPARISON,
) -> str:
    """The scores as tables: the metrics, then beside another's, then each label's own, where there are such."""
    from bertkit.terminal.tables import table

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
