"""Models: the hub, those that bertkit has of its own, and folders that are in use."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from bertkit.doctor.facts import MachineFacts
from bertkit.doctor.finding import DoctorFinding, Level

USUAL_HUB = "https://huggingface.co"
MUCH_UNFINISHED_BYTES = 100 * 2**20


def hub(facts: MachineFacts) -> Iterator[DoctorFinding]:
    """Where models come from. Nobody is asked over the network."""
    seen = facts.hub
    models = f"{seen.models} model{'s' if seen.models != 1 else ''} in {seen.cache}"
    yield DoctorFinding("hub", "ok", models)
    if seen.offline is not None:
        cure = f"Unset {seen.offline} to download others."
        yield DoctorFinding("hub", "note", f"{seen.offline} is set: only models that are there can be used", cure)
    if seen.endpoint.rstrip("/") != USUAL_HUB:
        cure = "Unset HF_ENDPOINT for the usual one."
        yield DoctorFinding("hub", "note", f"models come from {seen.endpoint} (HF_ENDPOINT)", cure)
    if seen.token_is_odd:
        cure = "Copy it again from https://huggingface.co/settings/tokens: it begins with hf_."
        yield DoctorFinding("hub", "warning", f"the token in {seen.token} does not look like one", cure)
    elif seen.token is None:
        yield DoctorFinding("hub", "ok", "no token: only private and gated models need one (HF_TOKEN)")
    else:
        yield DoctorFinding("hub", "ok", f"a token is in {seen.token}")
    if seen.unfinished_bytes > MUCH_UNFINISHED_BYTES:
        size = f"{seen.unfinished_bytes / 2**30:.1f} GiB"
        cure = f"Start the download again, or remove them: find {seen.cache} -name '*.incomplete' -delete"
        yield DoctorFinding("hub", "note", f"{size} of interrupted downloads", cure)


def built_in(facts: MachineFacts) -> Iterator[DoctorFinding]:
    """Those that are used where nobody names one: there, and of the bytes that were published."""
    for one in facts.built_in:
        if one.state == "whole":
            yield DoctorFinding("models", "ok", f"{one.name} is whole")
        else:
            level: Level = "problem" if one.state == "damaged" else "warning"
            yield DoctorFinding("models", level, f"{one.name}: {one.words}", one.cure)


def locks(facts: MachineFacts) -> Iterator[DoctorFinding]:
    """Folders that a run writes into, here and below, and what killed ones left."""
    for one in facts.locks:
        if one.process:
            cure = "Wait until it has ended before another is started there."
            yield DoctorFinding("folders", "note", f"process {one.process} writes into {one.folder} now", cure)
    if left := [one.folder for one in facts.locks if one.process == 0]:
        cure = "Nothing needs to be done: a lock that no process has keeps nobody out."
        yield DoctorFinding("folders", "note", f"left by runs that were killed: a lock in {_first(left)}", cure)
    if unknown := [one.folder for one in facts.locks if one.process is None]:
        cure = "Nothing: if a run is there it keeps others out, and if none is it keeps nobody out."
        yield DoctorFinding("folders", "note", f"a lock is in {_first(unknown)}", cure)
    if facts.unfinished:
        cure = "Remove it, if nothing is being written there."
        seen = f"half written, by work that was killed: {_first(facts.unfinished)}"
        yield DoctorFinding("folders", "note", seen, cure)


def _first(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{names[0]} and {len(names) - 1} more"
