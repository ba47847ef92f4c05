"""One thing that the doctor has to say."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Literal

Level = Literal["problem", "warning", "note", "ok"]  # the worst first
LEVELS: tuple[Level, ...] = ("problem", "warning", "note", "ok")


@dataclass(frozen=True, slots=True)
class DoctorFinding:
    """What was seen of one thing.

    Attributes:
        check: what was looked at, in a word or two: `torch`, `GPU`, `threads`.
        level: a problem keeps bertkit from working, or from working right; a warning costs much speed or may fail
            soon; a note is good to know.
        seen: one line.
        cure: one line; every problem and every warning has one.
    """

    check: str
    level: Level
    seen: str
    cure: str | None = None

    def record(self) -> dict[str, object]:
        """As JSON values."""
        return asdict(self)
