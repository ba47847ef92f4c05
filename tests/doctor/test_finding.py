from __future__ import annotations

from typing import get_args

from bertkit.doctor.finding import LEVELS, DoctorFinding, Level


def test_every_level_has_its_place() -> None:
    assert get_args(Level) == LEVELS


def test_a_record_has_every_field() -> None:
    assert DoctorFinding("GPU", "ok", "none").record() == {"check": "GPU", "level": "ok", "seen": "none", "cure": None}
