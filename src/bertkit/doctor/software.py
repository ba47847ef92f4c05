"""Python, torch's presence, versions."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from bertkit.doctor.facts import MachineFacts, Package, TorchFacts, TorchFailure
from bertkit.doctor.finding import DoctorFinding

OLDEST_PYTHON = (3, 11)
DEVELOPERS = {"test", "benchmarks"}  # extras that nobody misses who uses bertkit


def python(facts: MachineFacts) -> Iterator[DoctorFinding]:
    """The interpreter."""
    seen = facts.python
    version = ".".join(map(str, seen.version))
    ok = True
    if seen.version[:2] < OLDEST_PYTHON:
        ok = False
        yield DoctorFinding(
            "Python", "problem", f"Python {version}; bertkit needs 3.11", "Install Python 3.11 or newer."
        )
    if seen.bits < 64:
        ok = False
        yield DoctorFinding(
            "Python", "problem", "a 32-bit Python: torch is built for 64 bits", "Install a 64-bit Python."
        )
    if seen.translated:
        ok = False
        cure = "Install a Python for arm64; then GPU and processor are used."
        yield DoctorFinding(
            "Python", "warning", "a Python for Intel, which this Apple processor imitates, slowly", cure
        )
    if seen.libc == "musl":
        ok = False
        cure = "Use an image with glibc (Debian, Ubuntu) instead of Alpine."
        yield DoctorFinding("Python", "problem", "the C library is musl, for which torch has no builds", cure)
    if seen.free_threaded:
        cure = "Use the usual build where something fails."
        yield DoctorFinding(
            "Python", "note", f"Python {version} without the global lock: nobody tried bertkit on it", cure
        )
    if ok:
        yield DoctorFinding("Python", "ok", f"{version}, {seen.executable}")
    if seen.compiler is None:
        cure = "Install g++ or clang for train.compile = true; all else works without."
        yield DoctorFinding("compiler", "note", "no C++ compiler: layers cannot be compiled on a CPU", cure)


# What an import that fails says, and what to do about it; the first that is found counts.
SAYINGS: tuple[tuple[str, str], ...] = (
    (r"libcud|libcublas|libcudnn|libnccl|libnv|libcusparse", "{reinstall} brings the CUDA libraries that are missing."),
    (r"GLIBC", "torch is built for a newer Linux: use one with glibc 2.28 or newer."),
    (r"GLIBCXX|CXXABI", "Update libstdc++ (conda: conda install -c conda-forge libstdcxx-ng)."),
    (r"undefined symbol|version mismatch|circular import", "Versions are mixed: {reinstall}."),
    (r"numpy|_ARRAY_API", "numpy and torch do not fit: pip install --upgrade numpy torch."),
    (r"OMP: Error #15", "Two OpenMP libraries: install numpy and torch from the same place, both by pip or by conda."),
    (r"libgomp|libomp", "Install OpenMP's library (Debian, Ubuntu: apt install libgomp1; macOS: brew install libomp)."),
    (r"Permission denied|failed to map segment|noexec", "Its folder may not be executed from: install it elsewhere."),
    (
        r"MemoryError|[Cc]annot allocate memory",
        "Memory is too short even for the import: free some, or raise the limit.",
    ),
    (r"No space left", "A disk is full: make room on it."),
)
REINSTALL = "pip install --force-reinstall torch"


def torch_itself(facts: MachineFacts) -> Iterator[DoctorFinding]:
    """Whether torch can be imported, and which one it is."""
    torch = facts.torch
    if isinstance(torch, TorchFacts):
        built = (
            f"built for CUDA {torch.cuda}" if torch.cuda else f"for ROCm {torch.hip}" if torch.hip else "for the CPU"
        )
        yield DoctorFinding("torch", "ok", f"{torch.version}, {built}")
        return
    yield DoctorFinding("torch", "problem", *_failure(torch))


def _failure(failure: TorchFailure) -> tuple[str, str]:
    if failure.kind == "absent":
        return "torch is not installed", "pip install torch"
    if failure.kind == "killed":
        cure = f"This processor may lack instructions that the build uses, or files are damaged: {REINSTALL}."
        return f"importing torch ended the process ({failure.words})", cure
    if failure.kind == "silent":
        cure = "A GPU's driver may hang: see that nvidia-smi answers, or set CUDA_VISIBLE_DEVICES to nothing."
        return f"importing torch and looking for GPUs took longer than {failure.words}", cure
    for saying, cure in SAYINGS:
        if re.search(saying, failure.words):
            return f"torch cannot be imported: {failure.words}", cure.format(reinstall=REINSTALL)
    return f"torch cannot be imported: {failure.words}", REINSTALL


@dataclass(frozen=True, slots=True)
class KnownFault:
    """Versions that misbehave.

    Attributes:
        versions: as in a requirement.
        machines: that they do it on; all where empty.
    """

    package: str
    versions: str
    seen: str
    cure: str
    machines: tuple[str, ...] = ()


KNOWN_FAULTS = (
    KnownFault(
        "torch",
        ">=2.12,<2.13",
        "bfloat16 attention on Arm's CPUs gives other numbers than before (pytorch/pytorch#183809)",
        "pip install 'torch>=2.13', or answer with --dtype float32.",
        ("aarch64", "arm64"),
    ),
    KnownFault(
        "torch",
        ">=2.14.dev0,<2.14.1",
        "on some CPUs float16 products run in oneDNN's reference code, far too slow (pytorch/pytorch#193951)",
        "Leave --dtype at auto on CPUs, or pip install 'torch<2.14'.",
    ),
)


def known_faults(facts: MachineFacts) -> Iterator[DoctorFinding]:
    """Installed versions that are known to misbehave, and those that nobody released."""
    from packaging.specifiers import SpecifierSet
    from packaging.version import InvalidVersion, Version

    for package in {one.name: one for one in facts.packages if one.installed}.values():
        try:
            version = Version(str(package.installed))
        except InvalidVersion:
            cure = f"pip install --force-reinstall {package.name}"
            yield DoctorFinding(
                "versions", "warning", f"{package.name} has the version {package.installed!r}, which is none", cure
            )
            continue
        for fault in KNOWN_FAULTS:
            here = not fault.machines or facts.python.machine in fault.machines
            if (
                fault.package == package.name
                and here
                and SpecifierSet(fault.versions).contains(version, prereleases=True)
            ):
                yield DoctorFinding("versions", "warning", f"{package.name} {version}: {fault.seen}", fault.cure)
        if version.is_devrelease:
            cure = f"pip install {package.name} takes the newest release."
            yield DoctorFinding("versions", "note", f"{package.name} {version} is a development build", cure)


def packages(facts: MachineFacts) -> Iterator[DoctorFinding]:
    """What bertkit needs, and what its extras need: there, and of the versions that it is for."""
    ok = True
    core = [one for one in facts.packages if one.extra is None]
    for one in core:
        if not one.fits and not (one.name == "torch" and one.installed is None):  # `torch_itself` has said that
            ok = False
            yield _misfit(one, "problem" if one.installed is None else "warning")
    if not core:
        cure = "Install it: pip install -e . in its folder, or bash quickstart.sh."
        yield DoctorFinding("packages", "note", "bertkit is not installed: what it needs is not known", cure)
    elif ok:
        yield DoctorFinding("packages", "ok", f"all {len(core)} that bertkit needs are there")
    for extra in sorted({one.extra for one in facts.packages if one.extra is not None}):
        yield from _extra(extra, [one for one in facts.packages if one.extra == extra])


def _extra(extra: str, wanted: list[Package]) -> Iterator[DoctorFinding]:
    missing = [one.name for one in wanted if one.installed is None]
    if not missing and all(one.fits for one in wanted):
        yield DoctorFinding("packages", "ok", f"extra [{extra}] is installed")
    elif missing and extra not in DEVELOPERS:
        yield DoctorFinding(
            "packages", "note", f"extra [{extra}] lacks {', '.join(missing)}", f"pip install 'bertkit[{extra}]'"
        )
    for one in wanted:
        if one.installed is not None and not one.fits:
            yield _misfit(one, "warning")


def _misfit(one: Package, level: str) -> DoctorFinding:
    there = "is not installed" if one.installed is None else f"{one.installed} is installed"
    wanted = f", and {one.wanted} is needed" if one.wanted else ""
    return DoctorFinding(
        "packages",
        "problem" if level == "problem" else "warning",
        f"{one.name} {there}{wanted}",
        f"pip install '{one.name}{one.wanted}'",
    )


def openmp(facts: MachineFacts) -> Iterator[DoctorFinding]:
    """Two OpenMP libraries in one process have two pools of threads, which hinder each other, or stop it."""
    if isinstance(facts.torch, TorchFacts) and len(facts.torch.openmp) > 1:
        cure = "Install torch, numpy and scikit-learn from the same place, all by pip or all by conda."
        yield DoctorFinding("OpenMP", "warning", f"several are loaded at once: {', '.join(facts.torch.openmp)}", cure)
