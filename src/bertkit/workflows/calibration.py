"""The result of a calibration: what was found, and what of it is kept in the model's folder."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from bertkit.config.calibration import ModelCalibration
from bertkit.metrics.calibrating import Abstaining
from bertkit.reports.notebook import small_table
from bertkit.workflows.evaluation import Evaluation


@dataclass(frozen=True)
class Calibration:
    """What was found, and is kept beside the model's weights. A model that was loaded before does not know of it.

    Attributes:
        path: of the file in the model's folder; remove it to have the scores as they were.
        kept: what it says: the temperature, the score below which the model abstains, and what these are worth.
        abstaining: what the threshold is worth; None where there is none.
        evaluation: of the model as it was before.
        notes: what a user should know of how it was found, a line each.
    """

    path: Path
    kept: ModelCalibration
    abstaining: Abstaining | None
    evaluation: Evaluation
    notes: Sequence[str] = ()

    @property
    def folder(self) -> Path:
        """Of the model."""
        return self.path.parent

    def record(self) -> dict[str, object]:
        """The facts as JSON values."""
        facts: dict[str, object] = self.kept.model_dump()
        return facts if self.abstaining is None else facts | {"abstaining": asdict(self.abstaining)}

    def __repr__(self) -> str:
        """One line: what was found and what it is worth."""
        below = "" if self.abstaining is None else f", abstains below {self.abstaining.threshold:.4f}"
        change = f"{self.kept.error_before:.4f} to {self.kept.error_after:.4f}"
        found = f"temperature {self.kept.temperature:.4f}{below}, calibration error {change}"
        return f"<bertkit.Calibration of {str(self.folder)!r}: {found}>"

    def _repr_html_(self) -> str:
        """The facts as a small table, for a notebook."""
        kept = self.kept
        rows = [
            ("temperature", f"{kept.temperature:.4f}"),
            ("expected calibration error before", f"{kept.error_before:.4f}"),
            ("after, each half fitted on the other", f"{kept.error_after:.4f}"),
        ]
        if self.abstaining is not None:
            one = self.abstaining
            rows += [("abstains below a score of", f"{one.threshold:.4f}"), ("answers", f"{one.coverage:.2%}")]
            rows += [] if one.precision is None else [("right of these", f"{one.precision:.2%}")]
        caption = f"calibration of {self.folder}, {kept.examples:,} examples"
        return small_table(caption, ("", ""), rows, self.notes)
