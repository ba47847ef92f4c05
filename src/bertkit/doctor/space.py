"""Memory, and room on disks."""

from __future__ import annotations

from collections.abc import Iterator

from bertkit.doctor.facts import MachineFacts
from bertkit.doctor.finding import DoctorFinding

GIB = 2**30
# BERT-base answering in float32 takes 0.6 to 0.8 GB (`bertkit plan bert-base`), MiniLM 0.25.
NO_MEMORY_BYTES, LITTLE_MEMORY_BYTES = GIB // 2, 2 * GIB
# A checkpoint of BERT-base is 0.44 GB, one of BERT-large 1.3 GB.
NO_DISK_BYTES, LITTLE_DISK_BYTES = GIB // 8, 2 * GIB


def memory(facts: MachineFacts) -> Iterator[DoctorFinding]:
    """What a model may take."""
    seen = facts.memory
    if seen.available is None:
        yield DoctorFinding(
            "memory", "note", "this system does not say how much is free", "bertkit plan says what a model needs."
        )
        return
    limited = seen.limit_left is not None and seen.limit_left < seen.available
    free = min(seen.available, seen.limit_left) if seen.limit_left is not None else seen.available
    whole = seen.limit if limited else seen.total
    of = "" if whole is None else f" of {whole / GIB:.1f}"
    where = " that the container may use" if limited else ""
    words = f"{free / GIB:.1f}{of} GiB{where} are free"
    if free < NO_MEMORY_BYTES:
        cure = "End other programs, or raise the container's limit; bertkit plan MODEL says what a model needs."
        yield DoctorFinding("memory", "problem", f"{words}: no model of BERT-base's size fits", cure)
    elif free < LITTLE_MEMORY_BYTES:
        cure = "Use a smaller --batch-tokens; bertkit plan MODEL says what a model needs."
        yield DoctorFinding("memory", "warning", f"{words}: enough to answer with BERT-base, not to train it", cure)
    else:
        yield DoctorFinding("memory", "ok", words)


def disks(facts: MachineFacts) -> Iterator[DoctorFinding]:
    """Where bertkit writes: whether it may, and how much room there is."""
    for folder in facts.folders:
        name = f"{folder.use} ({folder.path})"
        cache = folder.use == "hub cache"
        if not folder.writable:
            cure = "Set HF_HOME to a folder that can be written." if cache else "Choose a folder that can be written."
            yield DoctorFinding("disk", "warning", f"{name} cannot be written", cure)
        elif folder.free_bytes is None:
            continue
        elif folder.free_bytes < LITTLE_DISK_BYTES:
            full = folder.free_bytes < NO_DISK_BYTES
            cure = "Make room there" + (", or set HF_HOME to a larger disk." if cache else ".")
            words = f"{name} has {folder.free_bytes / GIB:.2f} GiB left"
            yield DoctorFinding("disk", "problem" if full else "warning", words, cure)
        else:
            yield DoctorFinding("disk", "ok", f"{name} has {folder.free_bytes / GIB:.0f} GiB left")
