"""`bertkit evaluate`: a model, or predictions that anyone made, scored beside labelled data. These without torch."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from bertkit.cli import column_options, options, task_options
from bertkit.errors import UserError

if TYPE_CHECKING:
    from bertkit.data.examples import Example
    from bertkit.evaluation.label_counts import Counts
    from bertkit.evaluation.task_scores import Scores
    from bertkit.families.labels import Problem

Task = Annotated[str, typer.Option(help="What was predicted: a task's name, e.g. text-classification.", metavar="TASK")]
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
    Literal["jsonl", "csv", "tsv", "parquet", "conll", "squad"] | None,
    typer.Option(help="Format of the labelled data; by its ending when left out."),
]
WITH_PROBLEM = ("text-classification", "zero-shot-classification")
ANSWERS = "question-answering"
LABELLED_AS = {"zero-shot-classification": "text-classification"}  # whose data is labelled alike


@column_options.column_options(column_options.LABELLED)
def evaluate(
    task: Task,
    data: Data,
    predictions: Predictions = None,
    model: Model = None,
    problem: task_options.Problem = None,
    no_answer_scores: NoAnswerScores = None,
    format: DataFormat = None,
    columns: Mapping[str, str] = column_options.NONE,
    bad_answers: task_options.BadAnswers = None,
    long: options.Long = "window",
    dtype: options.DType = "auto",
    device: options.Device = "auto",
    json: options.Json = False,
) -> None:
    """Score a model, or predictions, beside labelled data: accuracy, F1, entities, SQuAD's exact match, nDCG, …

    Predictions are in the order of the data, one record a line; or answers by SQuAD's ids.
    """
    import json as json_form

    from bertkit.evaluation.task_scores import SCORERS

    if problem is not None and task not in WITH_PROBLEM:
        raise UserError(f"--problem with {task}", f"Leave it out; it is for {' and '.join(WITH_PROBLEM)}.")
    if no_answer_scores is not None and task != ANSWERS:
        raise UserError(f"--no-answer-scores with {task}", f"Leave it out; it is for {ANSWERS}.")
    if (model is None) == (predictions is None):
        raise UserError("what is scored is a model or predictions", "Give -m MODEL or --predictions FILE, not both.")
    # A task without scores is refused by what scores, before its data, which may have no reader either, is opened.
    examples = _examples(data, task, problem, format, columns, bad_answers) if task in SCORERS else []
    if predictions is not None:
        scores = _scores(task, problem, predictions, no_answer_scores, examples)
    else:
        scores = _scores_of_model(task, problem, examples, model, long=long, dtype=dtype, device=device)
    if json:
        typer.echo(json_form.dumps({"metrics": scores.metrics}, allow_nan=False))
    else:
        typer.echo(f"{task}: {len(examples):,} example{'s' if len(examples) > 1 else ''} of {data}")
        typer.echo(shown(scores.metrics, scores.counts))


def _scores_of_model(
    task: str, problem: Problem | None, examples: Sequence[Example], model: str | None, **settings: str
) -> Scores:
    from bertkit.evaluation.answers_of import answers_of
    from bertkit.evaluation.task_scores import score_results
    from bertkit.inference.model import load

    loaded = load(model, task=task, **settings)  # type: ignore[arg-type]
    return score_results(task, problem, answers_of(loaded.answerer, examples), examples)


def shown(metrics: Mapping[str, float], counts: Mapping[str, Counts]) -> str:
    """The scores as tables: the metrics, and below them each label's own where there are labels."""
    from bertkit.cli.readable import table

    parts = [table(("metric", "value"), [(name, f"{value:.4f}") for name, value in metrics.items()])]
    if counts:
        rows = [
            (label, f"{one.precision:.4f}", f"{one.recall:.4f}", f"{one.f1:.4f}", f"{one.gold:,}", f"{one.predicted:,}")
            for label, one in counts.items()
        ]
        parts.append(table(("label", "precision", "recall", "f1", "in data", "predicted"), rows))
    return "\n\n".join(parts)


def _examples(
    path: str,
    task: str,
    problem: Problem | None,
    format: str | None,
    columns: Mapping[str, str],
    bad_answers: Literal["stop", "drop"] | None,
) -> list[Example]:
    from bertkit.data.labelled import read_examples

    read_as = LABELLED_AS.get(task, task)
    dropped = partial(print, file=sys.stderr) if bad_answers == "drop" else None
    return list(read_examples(path, read_as, problem=problem, format=format, columns=columns, dropped=dropped))


def _scores(
    task: str, problem: Problem | None, path: str, no_answer_scores: str | None, examples: Sequence[Example]
) -> Scores:
    from bertkit.cli.predictions import read_answers, read_no_answer_scores, read_records
    from bertkit.evaluation.task_scores import score_answers, score_results

    found = read_answers(path) if task == ANSWERS and examples else read_records(path)
    if isinstance(found, list):
        if no_answer_scores is not None:
            raise UserError("--no-answer-scores with records, which have their own", "Leave it out.")
        return score_results(task, problem, found, examples)
    no_answer = None if no_answer_scores is None else read_no_answer_scores(no_answer_scores)
    scores = score_answers(found, examples, no_answer)
    missing = sum(example.id not in found for example in examples)
    if missing:
        print(f"{missing:,} of {len(examples):,} questions have no prediction; each counts 0", file=sys.stderr)
    return scores
