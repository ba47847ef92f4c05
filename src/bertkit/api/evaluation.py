"""`bertkit.evaluate` scores a model on labelled data, `bertkit.calibrate` makes its scores true probabilities, and
`bertkit.find_ranges` says what the bytes of its vectors stand for.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from typing_extensions import Unpack

from bertkit.api.arguments import config_of
from bertkit.api.data import Data, Table, sources
from bertkit.api.models import loaded_model
from bertkit.api.progress import observer_for
from bertkit.api.settings import ColumnOptions
from bertkit.config.evaluation import CalibrateConfig, EvaluateConfig
from bertkit.config.vectors import VectorPrecision
from bertkit.config.wording import worded
from bertkit.formats.python_rows import rows_in_memory
from bertkit.workflows.calibrate import calibrate as calibrate_job
from bertkit.workflows.calibration import Calibration
from bertkit.workflows.evaluate import evaluate as evaluate_job
from bertkit.workflows.evaluation import Evaluation
from bertkit.workflows.vector_ranges import FoundRanges
from bertkit.workflows.vector_ranges import find_ranges as find_ranges_job

if TYPE_CHECKING:
    from bertkit.inference.model import Model


class EvaluateOptions(ColumnOptions, total=False):
    """What can be said of an evaluation, by names as on the command line."""

    problem: Literal["single-label", "multi-label", "regression"] | None
    format: str | None
    columns: Mapping[str, str]
    bad_answers: Literal["stop", "drop"] | None
    predictions: str | Path | None
    no_answer_scores: str | Path | None
    against: str | Path | None
    report: str | Path | None
    long: Literal["error", "truncate", "window"]
    dtype: str
    device: str
    backend: str
    batch_tokens: int | None
    precision: VectorPrecision | None


class CalibrateOptions(EvaluateOptions, total=False):
    """What can be said of a calibration."""

    task: str | None
    abstain_at_precision: float | None


@worded
def evaluate(
    model: Model | str | Path | None,
    data: Data,
    task: str | None = None,
    *,
    progress: bool = True,
    **options: Unpack[EvaluateOptions],
) -> Evaluation:
    """Scores a model, or predictions that anyone made, beside labelled data.

    Args:
        model: a model that is loaded, a folder or a hub name; None where `predictions` are scored.
        data: the labelled examples: a path, several, a table (pandas, polars, Arrow, a dict of columns), or dicts.
        task: the hub's name of what is scored; by the model or the predictions when left out.
        progress: show how it gets on, in a terminal or a notebook.
        options: the columns (`text_column="review"`, `label_column=…`), and the others of `bertkit evaluate`:
            `problem`, `format`, `bad_answers`, `predictions`, `no_answer_scores`, `against`, `report`, and, of a model
            that is not loaded yet, `long` (`window`), `dtype`, `device`, `backend`, `batch_tokens`.

    Returns:
        `metrics` with their 95 % `intervals`, the `errors`, and the `report`.

    Raises:
        UserError: an unknown option, or options that do not go together.
        InputError: the data cannot be read, or does not fit; file and line, or the row, are named.
    """
    ready = loaded_model(model, options)
    given = {"data": sources(data, "data"), "task": task, "model": None if ready is not None else model, **options}
    return evaluate_job(config_of(EvaluateConfig, "evaluate()", given), observer_for(progress), model=ready)


@worded
def calibrate(
    model: Model | str | Path, data: Data, *, progress: bool = True, **options: Unpack[CalibrateOptions]
) -> Calibration:
    """Finds how sure a classifier of texts may be, on labelled data, and keeps it in the model's folder.

    The data is no test set of the model any more. A model that is loaded answers as before: load it again.

    Args:
        model: a folder, or a model that was loaded from it.
        data: the labelled examples, as `evaluate` takes them.
        progress: show how it gets on, in a terminal or a notebook.
        options: those of `evaluate`, and `abstain_at_precision`: answer only from the score where this share is right.

    Raises:
        UserError: the model is not a classifier of texts with a folder of its own, an unknown option, or options that
            do not go together.
        InputError: the data cannot be read, or does not say how sure the model may be.
        OutputError: the folder cannot be written.
    """
    given = _of_a_folder(model, sources(data, "data"), options)
    return calibrate_job(config_of(CalibrateConfig, "calibrate()", given), observer_for(progress))


@worded
def find_ranges(
    model: Model | str | Path,
    texts: Table | Iterable[str] | Path,
    *,
    progress: bool = True,
    **options: Unpack[EvaluateOptions],
) -> FoundRanges:
    """Finds the least and the greatest value of each number of a model's vectors, and keeps them in its folder.

    `bertkit.load(folder, task="sentence-embedding", precision="int8")` needs them. A model that is loaded does not know
    of them: load it again.

    Args:
        model: a folder, or a model that was loaded from it.
        texts: like those that will be stored, some hundred or more: texts, rows with a field `text`, a table, or the
            `Path` of a file. Labels are not read.
        progress: show how it gets on, in a terminal or a notebook.
        options: the columns (`text_column="review"`), `format`, and how the model runs, as `evaluate` has them.

    Raises:
        UserError: the model has no folder of its own, or an option that is for labels.
        InputError: a text is none, the file cannot be read, or there are fewer than two texts.
        OutputError: the folder cannot be written.
    """
    data = texts if isinstance(texts, Path) else rows_in_memory(texts, "texts")
    given = _of_a_folder(model, data, options)
    return find_ranges_job(config_of(CalibrateConfig, "find_ranges()", given), observer_for(progress))


def _of_a_folder(model: Model | str | Path, data: object, options: EvaluateOptions) -> dict[str, object]:
    """The arguments of a job that writes into a model's folder, and runs the model as one that is loaded runs."""
    ready = loaded_model(model, options)
    given: dict[str, object] = {"data": data, "model": model, **options}
    if ready is not None:
        given |= {"model": ready.source, "task": options.get("task") or ready.task.name, "long": ready.long.value}
        given |= {"dtype": ready.dtype, "device": ready.device, "batch_tokens": ready.batch_tokens}
    return given
