"""Requirements and what is installed, by metadata."""

from __future__ import annotations

import pytest
import torch

from bertkit.doctor import installed
from bertkit.doctor.facts import Package
from bertkit.doctor.installed import checked, installed_packages


def test_bertkits_own() -> None:
    found = {one.name: one for one in installed_packages()}
    assert found["torch"] == Package("torch", found["torch"].wanted, torch.__version__, True)
    assert found["pyarrow"].extra is not None


def test_a_distribution_that_is_not_there() -> None:
    assert installed_packages("no-such-distribution") == ()


def test_versions_and_extras(monkeypatch: pytest.MonkeyPatch) -> None:
    versions = {"numpy": "1.26", "torch": "2.13.0+cpu"}
    monkeypatch.setattr(installed, "_version", versions.get)
    wanted = [
        "numpy>=2.0",
        "torch>=2.11",
        "tomli; python_version < '3.0'",
        "onnx ; extra == 'onnx'",
        "bertkit[onnx]; extra == 'test'",
    ]
    assert checked(wanted, "bertkit") == (
        Package("numpy", ">=2.0", "1.26", False),
        Package("torch", ">=2.11", "2.13.0+cpu", True),
        Package("onnx", "", None, False, "onnx"),
    )
