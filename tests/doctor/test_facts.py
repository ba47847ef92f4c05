from __future__ import annotations

from dataclasses import FrozenInstanceError

import pytest

from bertkit.doctor.facts import MachineFacts


def test_facts_do_not_change() -> None:
    with pytest.raises(FrozenInstanceError):
        MachineFacts().environment = {}  # type: ignore[misc]
