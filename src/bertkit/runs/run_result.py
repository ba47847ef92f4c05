"""What a finished run came to, beside its model: `result.json`, by which a run is known to need no repeating."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Self

from bertkit.checkpoints.folders import atomic_file
from bertkit.config.finetuning import FinetuneConfig
from bertkit.config.training_file import differing, load_as
from bertkit.errors import BertkitError
from bertkit.runs.metrics_file import record_line
from bertkit.runs.run_folder import RunFolder

RESULT = "result.json"


@dataclass(frozen=True, slots=True)
class RunResult:
    """What came of a run.

    Attributes:
        metrics: of the held-out examples, NaN where there is none.
        score: what runs are compared by, lower is better; infinite where the run diverged.
        sha256s: fingerprints of the data.
    """

    metrics: dict[str, float]
    score: float
    sha256s: list[str]

    def write(self, folder: Path) -> None:
        """Beside the run's model.

        Raises:
            OutputError: it cannot be written.
        """
        with atomic_file(folder / RESULT) as file:
            file.write(record_line(asdict(self)) + "\n")

    @classmethod
    def read(cls, folder: Path) -> Self | None:
        """What was written there; None where nothing was, or nothing that can be used."""
        try:
            values = json.loads((folder / RESULT).read_bytes())
            metrics = {name: math.nan if value is None else value for name, value in values["metrics"].items()}
            score = math.inf if values["score"] is None else values["score"]
            return cls(metrics, score, values["sha256s"])
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            return None


def finished(config: FinetuneConfig, sha256s: Sequence[str]) -> RunResult | None:
    """What came of this very run, of these settings and this data; None where it has not ended."""
    folder = RunFolder(Path(config.run.directory))
    result = RunResult.read(folder.path)
    if result is None or result.sha256s != list(sha256s):
        return None
    if not folder.model.is_dir() and math.isfinite(result.score):
        return None
    try:
        same = not differing(load_as(FinetuneConfig, folder.config), config)
    except BertkitError:
        return None
    return result if same else None
