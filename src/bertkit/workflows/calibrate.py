"""Calibration, the whole job: a classifier's temperature and threshold, found on labelled data, kept in its folder."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from bertkit.checkpoints.hub import locate
from bertkit.config.calibration import ModelCalibration
from bertkit.config.evaluation import CalibrateConfig
from bertkit.errors import UserError
from bertkit.evaluation.scored_predictions import ScoredAnswers
from bertkit.metrics.calibrating import Abstaining, abstaining, calibrated, decisions_of
from bertkit.pretrained.calibrated import CALIBRATION, check_own, write_calibration
from bertkit.workflows.calibration import Calibration
from bertkit.workflows.evaluate import (
    evaluated,
    load_model,
    other_scored,
    report_file,
    task_to_score,
)
from bertkit.workflows.labelled_data import Notes, sha256_of_data
from bertkit.workflows.observer import SILENT, Observer
from bertkit.workflows.scoring import examples_of, scored_by

TASK = "text-classification"


def calibrate(config: CalibrateConfig, observer: Observer = SILENT) -> Calibration:
    """Finds the temperature that makes a classifier's scores honest, and writes it into the model's folder.

    Args:
        observer: is told how the data was understood.

    Raises:
        UserError: the model is not a classifier of texts with a folder of its own, or its answers and the examples do
            not say how sure it may be.
        ModelNotFound: there is no such model.
        InputError: the data cannot be read, or does not fit the model.
        OutputError: the folder, or the report, cannot be written.
    """
    notes = Notes(observer)
    task = task_to_score(config)
    folder = own_folder(config, task)
    examples = examples_of(config, task, notes.note)
    with report_file(config.report) as page:  # before the model: an unwritable place shows at once
        other = other_scored(config, task, examples, notes.note)
        model = load_model(config, task, temperature=1.0, abstain_below=None)  # as if it had never been calibrated
        scored = scored_by(model, config, examples, observer)
        evaluation = evaluated(config, str(config.model), task, scored, other, folder)
        if page is not None:
            page.write(evaluation.page())
        kept, sure = found_in(scored, config, folder)
        write_calibration(folder, kept)
    return Calibration(folder / CALIBRATION, kept, sure, evaluation, tuple(notes))


def own_folder(config: CalibrateConfig, task: str) -> Path:
    """The folder that keeps the calibration.

    Raises:
        UserError: the model has none of its own, or has nothing to calibrate.
        ModelNotFound: there is no such model.
    """
    if config.model is None:
        raise UserError("--calibrate with predictions, which have no folder to keep it in", "Give -m MODEL instead.")
    if task != TASK or config.problem == "regression":
        raise UserError(f"--calibrate with {config.problem or task}", f"It is for the labels of {TASK}.")
    folder = locate(config.model)
    check_own(folder)
    return folder


def found_in(
    scored: ScoredAnswers, config: CalibrateConfig, folder: Path
) -> tuple[ModelCalibration, Abstaining | None]:
    """What the answers say of how sure the model may be, and of what a threshold is worth where one is asked for.

    Raises:
        UserError, InputError: the answers or the examples do not say.
    """
    problem, precision = scored.problem, config.abstain_at_precision
    if problem is None or problem == "regression" or isinstance(scored.answers, Mapping):
        raise UserError(f"{folder}: a regression has no scores to calibrate", "Leave --calibrate out.")
    if precision is not None and problem != "single-label":
        raise UserError(f"--abstain-at-precision with {problem}", "It is for models that give one label.")
    decisions = decisions_of(problem, scored.answers, scored.examples)
    found = calibrated(decisions)
    sure = None if precision is None else abstaining(decisions, found.temperature, precision)
    kept = ModelCalibration(
        problem=problem,
        temperature=found.temperature,
        abstain_below=None if sure is None else sure.threshold,
        examples=found.examples,
        data_sha256=sha256_of_data(config.data),
        error_before=found.error_before,
        error_after=found.error_after,
    )
    return kept, sure
