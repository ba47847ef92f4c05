"""`bertkit.evaluate` and `bertkit.calibrate`: a model measured, and made as sure as it may be."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from bertkit.api.arguments import config_of
from bertkit.api.models import loaded_model
from bertkit.config.evaluation import CalibrateConfig, EvaluateConfig
from bertkit.workflows.calibrate import calibrate as calibrate_job
from bertkit.workflows.calibration import Calibration
from bertkit.workflows.evaluate import evaluate as evaluate_job
from bertkit.workflows.evaluation import Evaluation

if TYPE_CHECKING:
    from bertkit.inference.model import Model


def evaluate(model: Model | str | Path | None, data: object, task: str | None = None, **options: object) -> Evaluation:
    """Scores a model, or predictions that anyone made, beside labelled data.

    Args:
        model: a model that is loaded, a folder or a hub name; None where `predictions` are scored.
        data: the labelled examples: a file, several, a table (pandas, polars, whatever speaks Arrow), or dicts.
        task: the hub's name of what is scored; by the model or the predictions when left out.
        options: the columns (`text_column="review"`, `label_column=…`), and the others of `bertkit evaluate`:
            `problem`, `format`, `bad_answers`, `predictions`, `no_answer_scores`, `against`, `report`, and, of a model
            that is not loaded yet, `long` (`window`), `dtype`, `device`, `batch_tokens`.

    Returns:
        `metrics` with their 95 % `intervals`, the `errors`, and the `report`.

    Raises:
        UserError: an unknown argument, or arguments that do not go together.
        InputError: the data cannot be read, or does not fit; file and line, or the row, are named.
    """
    ready = loaded_model(model, options)
    given = {"data": data, "task": task, "model": None if ready is not None else model, **options}
    return evaluate_job(config_of(EvaluateConfig, "evaluate", given), model=ready)


def calibrate(model: Model | str | Path, data: object, **options: object) -> Calibration:
    """Finds how sure a classifier of texts may be, on labelled data, and keeps it in the model's folder.

    The data is no test set of the model any more. A model that is loaded answers as before: load it again.

    Args:
        model: a folder, or a model that was loaded from it.
        data: the labelled examples, as `evaluate` takes them.
        options: those of `evaluate`, and `abstain_at_precision`: answer only from the score where this share is right.

    Raises:
        UserError: the model is not a classifier of texts with a folder of its own, an unknown argument, or arguments
            that do not go together.
        InputError: the data cannot be read, or does not say how sure the model may be.
        OutputError: the folder cannot be written.
    """
    ready = loaded_model(model, options)
    if ready is not None:
        runs = {
            "long": ready.long.value,
            "dtype": ready.dtype,
            "device": ready.device,
            "batch_tokens": ready.batch_tokens,
        }
        options = {"task": ready.task.name, **options, **runs}
    given = {"data": data, "model": model if ready is None else ready.source, **options}
    return calibrate_job(config_of(CalibrateConfig, "calibrate", given))
