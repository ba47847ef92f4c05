"""Evaluation, the whole job: a model, or a file of anyone's predictions, is scored on labelled data.

Predictions are scored without torch.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

from bertkit.checkpoints.folders import atomic_file
from bertkit.config.evaluation import EvaluateConfig
from bertkit.errors import UserError
from bertkit.evaluation.scored_predictions import ScoredAnswers, scored_predictions
from bertkit.formats.notes import Note
from bertkit.labelled.examples import Example
from bertkit.metrics.predicted_task import task_of_predictions
from bertkit.reports.beside import Beside
from bertkit.reports.measured import Measured
from bertkit.reports.mistakes_file import mistakes_path
from bertkit.tasks.catalogue import find_spec, tasks_with
from bertkit.workflows.evaluation import Evaluation
from bertkit.workflows.labelled_data import Notes, name_of_data, sha256_of_data
from bertkit.workflows.observer import SILENT, Observer
from bertkit.workflows.scoring import examples_of, scored_by

if TYPE_CHECKING:
    from bertkit.inference.model import Model


def evaluate(config: EvaluateConfig, observer: Observer = SILENT, *, model: Model | None = None) -> Evaluation:
    """Scores a model, or predictions, beside labelled data.

    Args:
        model: one that is loaded already, in the place of `config.model`.
        observer: is told how the data was understood.

    Raises:
        UserError: the options do not go together, or the task has no scores.
        InputError: the data or the predictions cannot be read, or do not fit each other.
        OutputError: the report cannot be written.
    """
    notes = Notes(observer)
    task = task_to_score(config, model)
    examples = examples_of(config, task, notes.note)
    with report_file(config.report) as page:  # before the model: an unwritable place shows at once
        other = other_scored(config, task, examples, notes.note)
        if config.predictions is not None:
            by_id = config.no_answer_scores
            scored = scored_predictions(config.predictions, task, config.problem, examples, by_id, notes.note)
            evaluation = evaluated(config, config.predictions, task, scored, other)
        else:
            model = model or load_model(config, task)
            note_if_fitted_on(model, config, notes.note)
            scored = scored_by(model, config, examples, observer)
            evaluation = evaluated(config, config.model or str(model.source), task, scored, other, model.source)
        if page is not None:
            page.write(evaluation.page())
            evaluation.save_mistakes(mistakes_path(str(config.report)))
    return replace(evaluation, notes=tuple(notes))


def task_to_score(config: EvaluateConfig, model: Model | None = None) -> str:
    """The task that is named, else what the model or the predictions are of.

    Raises:
        UserError: it cannot be told, or options do not go together.
    """
    has_model = model is not None or config.model is not None
    if has_model == (config.predictions is not None):
        which = "a model and predictions are both given" if has_model else "neither a model nor predictions are given"
        raise UserError(which, "Give one of the two to score: -m MODEL, or --predictions FILE.")
    task = config.task or _own_task(config, model)
    if model is not None and task != model.task.name:
        raise UserError(f"the model is loaded for {model.task.name}, not for {task}", f"Load it with task={task!r}.")
    spec = find_spec(task)
    if config.problem is not None and not spec.is_posed:
        raise UserError(f"--problem with {task}", f"Leave it out; it is for {' and '.join(tasks_with('is_posed'))}.")
    if config.no_answer_scores is not None and not spec.by_id:
        raise UserError(f"--no-answer-scores with {task}", f"Leave it out; it is for {tasks_with('by_id')[0]}.")
    if config.report is not None and spec.model_scorer is not None:
        raise UserError(f"--report with {task}, whose masks are no examples", "Leave it out.")
    return task


def _own_task(config: EvaluateConfig, model: Model | None) -> str:
    if model is not None:
        return model.task.name
    if config.predictions is not None:
        return task_of_predictions(config.predictions)
    from bertkit.pretrained.loading import find_folder, open_pretrained

    return open_pretrained(find_folder(config.model)).tasks()[0]  # what it does where nobody says


def report_file(path: str | None) -> AbstractContextManager[TextIO | None]:
    """The file of the page, which is there when all has gone well; None where none is asked for."""
    return nullcontext() if path is None else atomic_file(Path(path))


def other_scored(config: EvaluateConfig, task: str, examples: Sequence[Example], note: Note) -> ScoredAnswers | None:
    """The predictions that these are compared with; None where there are none."""
    if config.against is None:
        return None
    return scored_predictions(config.against, task, config.problem, examples, note=note)


def load_model(config: EvaluateConfig, task: str, **task_options: Any) -> Model:
    """The model, as the configuration says."""
    from bertkit.inference.model import load

    settings: dict[str, Any] = {"long": config.long, "dtype": config.dtype, "device": config.device, **task_options}
    if config.precision is not None:
        settings["precision"] = config.precision
    return load(config.model, task=task, batch_tokens=config.batch_tokens, backend=config.backend, **settings)


def note_if_fitted_on(model: Model, config: EvaluateConfig, note: Note) -> None:
    """Tells the user where a model is measured on the very file that its temperature was fitted on."""
    from bertkit.pretrained.calibrated import read_calibration

    known = read_calibration(model.source)
    if known is not None and known.data_sha256 is not None and known.data_sha256 == sha256_of_data(config.data):
        name = name_of_data(config.data)
        note(
            f"the temperature of {model.source} was fitted on {name}: its calibration on it is better than on new text"
        )


def evaluated(
    config: EvaluateConfig,
    subject: str,
    task: str,
    scored: ScoredAnswers,
    other: ScoredAnswers | None,
    folder: Path | None = None,
) -> Evaluation:
    """All that was found.

    Args:
        subject: who answered.
        folder: of the model that answered, which may know what simpler models reached.
    """
    return Evaluation(
        Measured(
            subject=f"{subject} on {name_of_data(config.data)}",
            task=task,
            posed=config.problem,
            answers=scored.answers,
            examples=scored.examples,
            scores=scored.scores,
            other=None if other is None else other.scores,
            against=config.against,
            beside=None if folder is None else Beside.read(folder),
        ),
        data=name_of_data(config.data),
    )
