"""No test asks how long something took: on a busy machine that says nothing. Time is for `benchmarks/`."""

from __future__ import annotations

import re
from pathlib import Path

TESTS = Path(__file__).parents[1]
CLOCK = re.compile(r"\b(perf_counter|process_time|monotonic|thread_time)(_ns)?\(\)|\btime\.time\(\)")
# It reads it to set a file's time.
MAY = {"reports/test_run_summary.py"}


def test_no_test_reads_the_clock() -> None:
    readers = {
        path.relative_to(TESTS).as_posix()
        for path in TESTS.rglob("*.py")
        if CLOCK.search(path.read_text(encoding="utf-8"))
    }
    assert readers <= MAY
