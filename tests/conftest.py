"""Fixtures that every test may use."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import settings

# A busy machine is not a failing test.
settings.register_profile("bertkit", deadline=None)
settings.load_profile("bertkit")


@pytest.fixture(scope="session")
def test_data() -> Path:
    """The folder of real data beside the project, which never commits any of it."""
    named = os.environ.get("BERTKIT_TEST_DATA")
    if not named:
        pytest.skip("BERTKIT_TEST_DATA is not set: it names the folder of real test data")
    folder = Path(named)
    if not folder.is_dir():
        pytest.skip(f"BERTKIT_TEST_DATA names {named}, which is not a folder")
    return folder
