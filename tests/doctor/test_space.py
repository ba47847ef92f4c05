"""Too little memory, full disks, folders that cannot be written."""

from __future__ import annotations

import pytest

from bertkit.doctor.facts import Folder, MachineFacts, MemoryFacts
from tests.doctor.faults import check_named, findings

GIB = 2**30


@pytest.mark.parametrize(
    ("memory", "level", "seen", "cure"),
    [
        (MemoryFacts(available=GIB // 4), "problem", "0.2 of 16.0 GiB are free", "bertkit plan"),
        (MemoryFacts(available=GIB), "warning", "not to train", "--batch-tokens"),
        (MemoryFacts(limit=2 * GIB, limit_left=GIB), "warning", "1.0 of 2.0 GiB that the container", "--batch-tokens"),
        (MemoryFacts(total=None, available=None), "note", "does not say", "bertkit plan"),
    ],
    ids=["none", "little", "a container's limit", "unknown"],
)
def test_memory(memory: MemoryFacts, level: str, seen: str, cure: str) -> None:
    check_named(MachineFacts(memory=memory), "memory", level, seen, cure)


def test_a_limit_above_what_is_free_is_not_named() -> None:
    assert findings(MachineFacts(memory=MemoryFacts(limit=64 * GIB, limit_left=60 * GIB)), "memory") == []


@pytest.mark.parametrize(
    ("folder", "level", "seen", "cure"),
    [
        (Folder("hub cache", "/c", GIB // 16, True), "problem", "0.06 GiB left", "HF_HOME"),
        (Folder("this folder", "/w", GIB, True), "warning", "1.00 GiB left", "Make room"),
        (Folder("hub cache", "/c", 9 * GIB, False), "warning", "cannot be written", "HF_HOME"),
        (Folder("this folder", "/w", None, False), "warning", "cannot be written", "Choose a folder"),
    ],
)
def test_disks(folder: Folder, level: str, seen: str, cure: str) -> None:
    check_named(MachineFacts(folders=(folder,)), "disk", level, seen, cure)


def test_a_disk_that_cannot_be_asked_is_let_be() -> None:
    assert findings(MachineFacts(folders=(Folder("hub cache", "/c", None, True),)), "disk") == []
