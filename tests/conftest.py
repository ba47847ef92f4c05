"""Fixtures that every test may use."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Generator
from pathlib import Path

import pytest
from hypothesis import settings

# A busy machine is not a failing test.
settings.register_profile("bertkit", deadline=None)
settings.load_profile("bertkit")

# What is started in the background (`bash test.sh &`) ignores interrupts, and so would every process that a test
# interrupts.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

# These folders look at the sources, or show that numbers are right; which lines run, the mirrored tests show.
UNTRACED = {"architecture", "examples", "parity"}


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Function) -> Generator[None, object, object]:
    """Does not measure coverage in the tests that run the same lines again with many examples.

    Following lines makes Python two to four times as slow, the libraries that are compared with included. pytest-cov's
    own mark for such tests changes nothing in a process of pytest-xdist: stopping one measurement there wakes another.
    """
    follow = sys.gettrace()
    many = item.get_closest_marker("data") or getattr(item.obj, "is_hypothesis_test", False)
    if many or UNTRACED.intersection(item.path.parts):
        sys.settrace(None)
    try:
        return (yield)
    finally:
        sys.settrace(follow)


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
