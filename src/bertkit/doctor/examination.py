"""All that the doctor looks at: facts in, findings out."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from bertkit.doctor import gpus, models, processor, software, space
from bertkit.doctor.facts import MachineFacts
from bertkit.doctor.finding import LEVELS, DoctorFinding

CHECKS: tuple[Callable[[MachineFacts], Iterator[DoctorFinding]], ...] = (
    software.python,
    software.torch_itself,
    software.packages,
    software.known_faults,
    software.openmp,
    gpus.nvidia,
    gpus.amd,
    gpus.apple,
    gpus.none_at_all,
    gpus.shared_memory,
    processor.instructions,
    processor.precisions,
    processor.mkl_on_amd,
    processor.threads,
    space.memory,
    space.disks,
    models.built_in,
    models.hub,
    models.locks,
)


def examine(facts: MachineFacts) -> list[DoctorFinding]:
    """Every finding, the worst first."""
    found = [finding for check in CHECKS for finding in check(facts)]
    return sorted(found, key=lambda finding: LEVELS.index(finding.level))
