from __future__ import annotations

from pathlib import Path

import pytest

from bertkit.planner.free_memory import free_host_bytes

MEGA = 2**20
FREE = {"proc/meminfo": "MemTotal: 9 kB\nMemAvailable:    8192 kB\n"}
CONTAINER = {"sys/fs/cgroup/memory.max": f"{6 * MEGA}", "sys/fs/cgroup/memory.current": f"{4 * MEGA}"}
ULIMIT = {
    "proc/self/limits": f"Max cpu time   unlimited\nMax address space  {4 * MEGA}  {4 * MEGA}  bytes\n",
    "proc/self/status": "Name:\tpython\nVmSize:\t    3072 kB\n",
}
UNLIMITED = ULIMIT | {"proc/self/limits": "Max address space  unlimited  unlimited  bytes\n"}


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        ({}, None),
        (FREE, 8 * MEGA),
        (FREE | CONTAINER, 2 * MEGA),
        (FREE | ULIMIT, MEGA),
        (FREE | UNLIMITED, 8 * MEGA),
        (FREE | CONTAINER | ULIMIT, MEGA),
    ],
    ids=["not Linux", "free", "container", "ulimit", "no ulimit", "all"],
)
def test_free_memory(tmp_path: Path, files: dict[str, str], expected: int | None) -> None:
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    assert free_host_bytes(tmp_path) == expected
