"""The ranges of a model's vectors, in a small file of bertkit's own beside its weights."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from bertkit.config.vector_ranges import VectorRanges
from bertkit.pretrained.own_file import read_own, write_own
from bertkit.vectors.quantising import Ranges

VECTOR_RANGES = "bertkit_vector_ranges.json"
REMEDY = "Remove the file, or find them again: bertkit evaluate -m MODEL --data TEXTS --calibrate."


def read_ranges(folder: Path) -> Ranges | None:
    """The ranges of the model in a folder; None where none were found.

    Raises:
        ConfigError: the file is damaged, or of a newer version.
    """
    kept = read_own(VectorRanges, folder / VECTOR_RANGES, REMEDY)
    if kept is None:
        return None
    return Ranges(np.array(kept.low, np.float32), np.array(kept.high, np.float32))


def write_ranges(folder: Path, ranges: VectorRanges) -> Path:
    """Write the file, whole or not at all, in the place of one that is there.

    Raises:
        OutputError: it cannot be written.
    """
    write_own(folder / VECTOR_RANGES, ranges)
    return folder / VECTOR_RANGES
