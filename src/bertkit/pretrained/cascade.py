"""A cascade in a folder: the teacher's own folder, a file that says when it is asked, and a student in a folder within.

Other libraries open it as the teacher. Torch-free.
"""

from __future__ import annotations

from pathlib import Path

from bertkit.config.cascade import CascadeSettings
from bertkit.errors import BadCheckpoint
from bertkit.pretrained.own_file import read_own, write_own

CASCADE = "bertkit_cascade.json"
STUDENT = "student"
REMEDY = "Remove the file to have the teacher alone, or make the cascade again: bertkit compress --cascade."


def read_cascade(folder: Path) -> CascadeSettings | None:
    """What a folder says of its cascade; None where it is none.

    Raises:
        ConfigError: the file is damaged, or of a newer version.
        BadCheckpoint: there is no student.
    """
    settings = read_own(CascadeSettings, folder / CASCADE, REMEDY)
    if settings is not None and not (folder / STUDENT).is_dir():
        raise BadCheckpoint(f"{folder}: {CASCADE} is there, and no folder {STUDENT}", REMEDY)
    return settings


def write_cascade(folder: Path, settings: CascadeSettings) -> None:
    """Write the file that says what a folder is.

    Raises:
        OutputError: it cannot be written.
    """
    write_own(folder / CASCADE, settings)
