"""A fine-tuned model's score beside those of simpler models, in a small file of its folder. Torch-free."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Self

from bertkit.errors import ConfigError

BESIDE = "bertkit_baselines.json"  # beside the model's weights
PROBE = "its own head before the first step"


@dataclass(frozen=True, slots=True)
class Beside:
    """A fine-tuned model's score, and those of simpler models on the same held-out examples.

    Attributes:
        metric: by which the best checkpoint was chosen.
        examples: that were held out.
        others: name -> score.
    """

    metric: str
    examples: int
    score: float
    others: dict[str, float]

    def text(self) -> str:
        """As the file in the model's folder has it."""
        return json.dumps({"schema_version": 1, **asdict(self)}, indent=2) + "\n"

    @classmethod
    def read(cls, folder: Path) -> Self | None:
        """What a model's folder says; None where it says nothing.

        Raises:
            ConfigError: the file is damaged.
        """
        path = folder / BESIDE
        if not path.is_file():
            return None
        try:
            values = json.loads(path.read_bytes())
            found = cls(str(values["metric"]), int(values["examples"]), float(values["score"]), dict(values["others"]))
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise ConfigError(f"{path}: cannot be read ({type(error).__name__})", "Remove the file.") from None
        return found
