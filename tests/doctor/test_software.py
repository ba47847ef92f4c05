"""Faults of Python, torch and versions, each made up, each named with its cure."""

from __future__ import annotations

import pytest

from bertkit.doctor.facts import MachineFacts, Package, PythonFacts, TorchFailure
from tests.doctor.faults import check_named, findings, with_torch


@pytest.mark.parametrize(
    ("python", "level", "seen", "cure"),
    [
        (PythonFacts(version=(3, 9, 1)), "problem", "3.9.1", "Python 3.11 or newer"),
        (PythonFacts(bits=32), "problem", "32-bit", "64-bit"),
        (PythonFacts(system="Darwin", machine="x86_64", translated=True), "warning", "imitates", "arm64"),
        (PythonFacts(libc="musl"), "problem", "musl", "instead of Alpine"),
        (PythonFacts(free_threaded=True), "note", "without the global lock", "usual build"),
    ],
    ids=["old", "32 bits", "translated", "musl", "free threads"],
)
def test_python(python: PythonFacts, level: str, seen: str, cure: str) -> None:
    check_named(MachineFacts(python=python), "Python", level, seen, cure)


def test_no_compiler() -> None:
    check_named(MachineFacts(python=PythonFacts(compiler=None)), "compiler", "note", "no C++ compiler", "g++")


@pytest.mark.parametrize(
    ("failure", "seen", "cure"),
    [
        (TorchFailure("absent"), "not installed", "pip install torch"),
        (TorchFailure("killed", "SIGILL"), "SIGILL", "lack instructions"),
        (TorchFailure("silent", "120 seconds"), "120 seconds", "nvidia-smi"),
        (
            TorchFailure("error", "ImportError: libcudart.so.13: cannot open shared object file"),
            "libcudart",
            "CUDA lib",
        ),
        (TorchFailure("error", "ImportError: /lib/libc.so.6: version `GLIBC_2.28' not found"), "GLIBC", "newer Linux"),
        (
            TorchFailure("error", "ImportError: x.so: undefined symbol: _ZN3c10"),
            "undefined symbol",
            "--force-reinstall",
        ),
        (TorchFailure("error", "ImportError: numpy.core.multiarray failed to import"), "numpy", "--upgrade numpy"),
        (TorchFailure("error", "ImportError: libgomp.so.1: cannot open shared object file"), "libgomp", "libgomp1"),
        (TorchFailure("error", "OSError: [Errno 28] No space left on device"), "No space", "make room"),
        (TorchFailure("error", "ImportError: failed to map segment from shared object"), "map segment", "elsewhere"),
        (TorchFailure("error", "MemoryError"), "MemoryError", "raise the limit"),
        (TorchFailure("error", "SyntaxError: what nobody foresaw"), "nobody foresaw", "--force-reinstall torch"),
    ],
    ids=lambda value: value if isinstance(value, str) else value.kind,
)
def test_torch_that_cannot_be_asked(failure: TorchFailure, seen: str, cure: str) -> None:
    check_named(MachineFacts(torch=failure), "torch", "problem", seen, cure)


@pytest.mark.parametrize(
    ("package", "level", "seen", "cure"),
    [
        (Package("numpy", ">=2.0", None, False), "problem", "numpy is not installed", "pip install 'numpy>=2.0'"),
        (Package("numpy", ">=2.0", "1.26.4", False), "warning", "1.26.4 is installed, and >=2.0", "'numpy>=2.0'"),
        (Package("openvino", "", None, False, "openvino"), "note", "lacks openvino", "'bertkit[openvino]'"),
        (Package("openvino", ">=2026", "2025.1", False, "openvino"), "warning", "2025.1", "'openvino>=2026'"),
    ],
    ids=["missing", "too old", "extra missing", "extra too old"],
)
def test_packages(package: Package, level: str, seen: str, cure: str) -> None:
    rest = Package("torch", ">=2.11", "2.13.0", True)
    check_named(MachineFacts(packages=(rest, package)), "packages", level, seen, cure)


def test_tools_of_developers_are_not_missed() -> None:
    whole = (Package("torch", ">=2.11", "2.13.0", True), Package("ruff", "", None, False, "test"))
    assert findings(MachineFacts(packages=whole), "packages") == []


def test_a_missing_torch_is_named_once() -> None:
    facts = MachineFacts(torch=TorchFailure("absent"), packages=(Package("torch", ">=2.11", None, False),))
    assert findings(facts, "packages") == []
    assert len(findings(facts, "torch")) == 1


def test_not_installed_at_all() -> None:
    check_named(MachineFacts(), "packages", "note", "not installed", "quickstart.sh")


@pytest.mark.parametrize(
    ("version", "machine", "level", "seen", "cure"),
    [
        ("2.12.0", "aarch64", "warning", "Arm", "torch>=2.13"),
        ("2.14.0+cpu", "x86_64", "warning", "reference code", "torch<2.14"),
        ("2.15.0.dev20270101", "x86_64", "note", "development build", "newest release"),
        ("not a version", "x86_64", "warning", "which is none", "--force-reinstall torch"),
    ],
)
def test_versions_known_to_misbehave(version: str, machine: str, level: str, seen: str, cure: str) -> None:
    facts = MachineFacts(python=PythonFacts(machine=machine), packages=(Package("torch", ">=2.11", version, True),))
    check_named(facts, "versions", level, seen, cure)


@pytest.mark.parametrize(("version", "machine"), [("2.12.0", "x86_64"), ("2.13.0", "aarch64"), ("2.14.1", "x86_64")])
def test_versions_that_behave(version: str, machine: str) -> None:
    facts = MachineFacts(python=PythonFacts(machine=machine), packages=(Package("torch", ">=2.11", version, True),))
    assert findings(facts, "versions") == []


def test_two_openmp_libraries() -> None:
    check_named(with_torch(openmp=("libgomp", "libiomp")), "OpenMP", "warning", "libgomp, libiomp", "the same place")
