"""A model's calibration, in a small file of bertkit's own beside its weights, which no other library looks at."""

from __future__ import annotations

import json
from pathlib import Path

from bertkit.checkpoints.embedded import is_embedded
from bertkit.checkpoints.folders import atomic_file
from bertkit.checkpoints.hub import is_cached
from bertkit.config.calibration import ModelCalibration
from bertkit.config.strict import parse
from bertkit.errors import ConfigError, UserError

CALIBRATION = "bertkit_calibration.json"


def read_calibration(folder: Path) -> ModelCalibration | None:
    """The calibration of the model in a folder; None where it has none.

    Raises:
        ConfigError: the file is damaged, or of a newer version.
    """
    path = folder / CALIBRATION
    if not path.is_file():
        return None
    try:
        values = json.loads(path.read_bytes())
    except (OSError, ValueError):
        values = None
    remedy = "Remove the file, or calibrate again: bertkit evaluate -m MODEL --data FILE --calibrate."
    if not isinstance(values, dict):
        raise ConfigError(f"{path}: not a JSON object", remedy)
    try:
        return parse(ModelCalibration, values, str(path))
    except ConfigError as error:
        raise ConfigError(error.what, remedy) from None


def write_calibration(folder: Path, calibration: ModelCalibration) -> None:
    """Write the file, whole or not at all, in the place of one that is there.

    Raises:
        OutputError: it cannot be written.
    """
    with atomic_file(folder / CALIBRATION) as file:
        json.dump(calibration.model_dump(), file, indent=2)
        file.write("\n")


def check_own(folder: Path) -> None:
    """Refuses to change a model that other programs, or other users of this one, take for the published one.

    Raises:
        UserError: it is the embedded model, or in the hub's cache.
    """
    if is_cached(folder) or is_embedded(folder):
        whose = "in the hub's cache" if is_cached(folder) else "the embedded model"
        raise UserError(
            f"{folder}: is {whose}, which is not changed",
            "Make a folder of your own first: bertkit convert MODEL my-model, then -m my-model.",
        )
