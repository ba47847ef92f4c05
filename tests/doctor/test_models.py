"""The hub's settings, damaged models of bertkit's own, locks."""

from __future__ import annotations

import pytest

from bertkit.doctor.facts import BuiltIn, HubFacts, Lock, MachineFacts
from tests.doctor.faults import check_named, findings


@pytest.mark.parametrize(
    ("hub", "level", "seen", "cure"),
    [
        (HubFacts(offline="HF_HUB_OFFLINE"), "note", "HF_HUB_OFFLINE is set", "Unset HF_HUB_OFFLINE"),
        (HubFacts(endpoint="https://mirror.example"), "note", "mirror.example", "Unset HF_ENDPOINT"),
        (HubFacts(token="HF_TOKEN", token_is_odd=True), "warning", "HF_TOKEN does not look", "begins with hf_"),
        (HubFacts(unfinished_bytes=3 * 2**30), "note", "3.0 GiB of interrupted", "*.incomplete"),
    ],
    ids=["offline", "mirror", "token", "unfinished"],
)
def test_hub(hub: HubFacts, level: str, seen: str, cure: str) -> None:
    check_named(MachineFacts(hub=hub), "hub", level, seen, cure)


def test_no_token_is_well_and_a_good_one_is_not_shown() -> None:
    assert findings(MachineFacts(hub=HubFacts(token="HF_TOKEN")), "hub") == []
    assert findings(MachineFacts(hub=HubFacts()), "hub") == []


@pytest.mark.parametrize(("state", "level"), [("absent", "warning"), ("damaged", "problem")])
def test_models_of_its_own(state: str, level: str) -> None:
    one = BuiltIn("mini", state, "its SHA-256 differs", "Install it again.")  # type: ignore[arg-type]
    check_named(MachineFacts(built_in=(one, BuiltIn("sentiment", "whole"))), "models", level, "SHA-256", "again")


@pytest.mark.parametrize(
    ("facts", "seen", "cure"),
    [
        (MachineFacts(locks=(Lock("runs/a", 17),)), "process 17 writes into runs/a", "Wait"),
        (MachineFacts(locks=(Lock("runs/a", 0), Lock("runs/b", 0))), "a lock in runs/a and 1 more", "keeps nobody out"),
        (MachineFacts(locks=(Lock("runs/a", None),)), "a lock is in runs/a", "keeps nobody out"),
        (MachineFacts(unfinished=(".a.0123abcd.tmp", "b")), ".a.0123abcd.tmp and 1 more", "Remove it"),
    ],
    ids=["held", "left", "unknown", "half written"],
)
def test_folders(facts: MachineFacts, seen: str, cure: str) -> None:
    check_named(facts, "folders", "note", seen, cure)
