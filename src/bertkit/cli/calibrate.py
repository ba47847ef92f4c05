"""`bertkit evaluate --calibrate`: how sure a model may be, found on labelled data and kept in its folder."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from bertkit.errors import UserError

if TYPE_CHECKING:
    from bertkit.config.calibration import Calibration
    from bertkit.families.labels import Problem
    from bertkit.labelled.examples import Example
    from bertkit.metrics.calibrating import Abstaining
    from bertkit.reports.report import Answers

TASK = "text-classification"


def folder_to_calibrate(
    model: str | None, task: str, problem: str | None, calibrate: bool, precision: float | None
) -> Path | None:
    """The folder to keep a calibration in; None where none is asked for.

    Raises:
        UserError: the model has none of its own, or the options do not go together.
        ModelNotFound: there is no such model.
    """
    if not calibrate:
        if precision is not None:
            raise UserError("--abstain-at-precision without --calibrate", "Add --calibrate.")
        return None
    if model is None:
        raise UserError("--calibrate with predictions, which have no folder to keep it in", "Give -m MODEL instead.")
    if task != TASK or problem == "regression":
        raise UserError(f"--calibrate with {problem or task}", f"It is for the labels of {TASK}.")
    from bertkit.cli.models import model_folder
    from bertkit.pretrained.calibrated import check_own

    folder = model_folder(model, None)
    check_own(folder)
    return folder


@dataclass(frozen=True, slots=True)
class Kept:
    """What was kept, and where.

    Attributes:
        data: what it was fitted on.
        abstaining: what the threshold is worth; None where there is none.
    """

    path: Path
    data: str
    calibration: Calibration
    abstaining: Abstaining | None

    def record(self) -> dict[str, object]:
        """The facts as JSON values."""
        facts: dict[str, object] = self.calibration.model_dump()
        return facts if self.abstaining is None else facts | {"abstaining": asdict(self.abstaining)}

    def in_words(self) -> Iterator[str]:
        """The facts for a person."""
        kept = self.calibration
        before, after = kept.error_before, kept.error_after
        yield f"\nexpected calibration error: {before:.4f} before, {after:.4f} after, each half fitted on the other"
        if after >= before:
            yield "it did not fall: remove the file below to have the scores as they were"
        yield f"temperature: {kept.temperature:.4f}"
        if self.abstaining is not None:
            one = self.abstaining
            of_them = "" if one.precision is None else f", {one.precision:.2%} of them right"
            yield f"abstains below a score of {one.threshold:.4f}: answers {one.coverage:.2%}{of_them} (other half)"
        yield f"kept in {self.path}; {self.data} is no test set of this model any more"


def keep_calibration(
    folder: Path,
    data: str,
    problem: Problem | None,
    answers: Answers,
    examples: Sequence[Example],
    precision: float | None,
) -> Kept:
    """Finds a model's calibration from its answers, and writes it.

    Args:
        data: the file of the examples.
        problem: that the model answers for.
        precision: that answers are to have; None where the model is to answer always.

    Raises:
        UserError: the answers or the examples do not say how sure the model may be.
        OutputError: the folder cannot be written.
    """
    from bertkit.config.calibration import Calibration
    from bertkit.metrics.calibrating import abstaining, calibrated, decisions_of
    from bertkit.pretrained.calibrated import CALIBRATION, write_calibration

    if problem is None or problem == "regression" or isinstance(answers, Mapping):
        raise UserError(f"{folder}: a regression has no scores to calibrate", "Leave --calibrate out.")
    if precision is not None and problem != "single-label":
        raise UserError(f"--abstain-at-precision with {problem}", "It is for models that give one label.")
    decisions = decisions_of(problem, answers, examples)
    found = calibrated(decisions)
    sure = None if precision is None else abstaining(decisions, found.temperature, precision)
    calibration = Calibration(
        problem=problem,
        temperature=found.temperature,
        abstain_below=None if sure is None else sure.threshold,
        examples=found.examples,
        data_sha256=_sha256(data),
        error_before=found.error_before,
        error_after=found.error_after,
    )
    write_calibration(folder, calibration)
    return Kept(folder / CALIBRATION, data, calibration, sure)


def say_if_fitted_on(folder: Path, data: str) -> None:
    """Tells the user where a model is measured on the very file that its temperature was fitted on."""
    from bertkit.pretrained.calibrated import read_calibration

    known = read_calibration(folder)
    if known is not None and known.data_sha256 is not None and known.data_sha256 == _sha256(data):
        print(
            f"the temperature of {folder} was fitted on {data}: its calibration on it is better than on new text",
            file=sys.stderr,
        )


def _sha256(data: str) -> str | None:
    """The fingerprint of the data; None where it can be read only once."""
    from bertkit.checkpoints.digests import sha256

    return sha256(Path(data)) if Path(data).is_file() else None
