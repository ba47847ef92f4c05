"""A made-up machine with one fault, and what the doctor says of it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from bertkit.doctor.examination import examine
from bertkit.doctor.facts import MachineFacts, TorchFacts
from bertkit.doctor.finding import DoctorFinding


def findings(facts: MachineFacts, check: str) -> list[DoctorFinding]:
    """What the whole examination says of one thing, those left out that are well."""
    return [finding for finding in examine(facts) if finding.check == check and finding.level != "ok"]


def with_torch(facts: MachineFacts | None = None, **changes: Any) -> MachineFacts:
    """A machine whose torch says otherwise."""
    facts = facts or MachineFacts()
    assert isinstance(facts.torch, TorchFacts)
    return replace(facts, torch=replace(facts.torch, **changes))


def check_named(facts: MachineFacts, check: str, level: str, seen: str, cure: str) -> None:
    """The fault is named once, by what was seen, and its cure with it."""
    found = findings(facts, check)
    assert [finding.level for finding in found] == [level], found
    assert seen in found[0].seen
    assert cure in str(found[0].cure)
