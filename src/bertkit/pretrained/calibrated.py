"""A model's calibration, in a small file of bertkit's own beside its weights, which no other library looks at."""

from __future__ import annotations

from pathlib import Path

from bertkit.checkpoints.embedded import is_embedded
from bertkit.checkpoints.hub import is_cached
from bertkit.config.calibration import ModelCalibration
from bertkit.errors import UserError
from bertkit.pretrained.own_file import read_own, write_own

CALIBRATION = "bertkit_calibration.json"
REMEDY = "Remove the file, or calibrate again: bertkit evaluate -m MODEL --data FILE --calibrate."


def read_calibration(folder: Path) -> ModelCalibration | None:
    """The calibration of the model in a folder; None where it has none.

    Raises:
        ConfigError: the file is damaged, or of a newer version.
    """
    return read_own(ModelCalibration, folder / CALIBRATION, REMEDY)


def write_calibration(folder: Path, calibration: ModelCalibration) -> None:
    """Write the file, whole or not at all, in the place of one that is there.

    Raises:
        OutputError: it cannot be written.
    """
    write_own(folder / CALIBRATION, calibration)


def check_own(folder: Path) -> None:
    """Refuses to change a model that other programs, or other users of this one, take for the published one.

    Raises:
        UserError: it is the built-in model, or in the hub's cache.
    """
    if is_cached(folder) or is_embedded(folder):
        whose = "in the hub's cache" if is_cached(folder) else "the built-in model"
        raise UserError(
            f"{folder}: is {whose}, which is not changed",
            f"Make a folder of your own first: bertkit convert '{folder}' my-model, then -m my-model.",
        )
