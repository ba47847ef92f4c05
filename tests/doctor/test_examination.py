"""The whole examination: no false alarm, the worst first, a cure for everything that is amiss."""

from __future__ import annotations

from bertkit.doctor.examination import examine
from bertkit.doctor.facts import BuiltIn, Folder, HubFacts, MachineFacts, MemoryFacts, Package, TorchFailure
from bertkit.doctor.finding import LEVELS
from tests.doctor.faults import with_torch

WELL = with_torch(
    MachineFacts(packages=(Package("torch", ">=2.11", "2.13.0", True),), built_in=(BuiltIn("mini", "whole"),)),
    bfloat16=True,
)
SICK = MachineFacts(
    torch=TorchFailure("absent"),
    memory=MemoryFacts(available=2**30),
    folders=(Folder("hub cache", "/c", 0, True),),
    hub=HubFacts(offline="HF_HUB_OFFLINE"),
)


def test_a_machine_without_a_fault_is_well() -> None:
    assert [finding for finding in examine(WELL) if finding.level != "ok"] == []


def test_the_worst_comes_first_and_has_a_cure() -> None:
    found = examine(SICK)
    order = [LEVELS.index(finding.level) for finding in found]
    assert order == sorted(order)
    assert {finding.level for finding in found} == set(LEVELS)
    assert [finding for finding in found if finding.level != "ok" and not finding.cure] == []
    assert all("\n" not in f"{finding.seen}{finding.cure}" for finding in found)


def test_a_record_is_json() -> None:
    assert examine(SICK)[0].record() == {
        "check": "torch",
        "level": "problem",
        "seen": "torch is not installed",
        "cure": "pip install torch",
    }
