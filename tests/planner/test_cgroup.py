"""GroupLimits of containers, by files as Linux writes them."""

from __future__ import annotations

from pathlib import Path

import pytest

from bertkit.planner.cgroup import GroupLimits, read_limits

Files = dict[str, str]
MEGA = 2**20


def made(root: Path, files: Files) -> Path:
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return root


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        pytest.param({}, GroupLimits(), id="no control groups"),
        pytest.param(
            {"sys/fs/cgroup/cpu.max": "max 100000\n", "sys/fs/cgroup/memory.max": "max\n"}, GroupLimits(), id="no"
        ),
        pytest.param({"sys/fs/cgroup/cpu.max": "150000 100000\n"}, GroupLimits(cores=1.5), id="one and a half cores"),
        pytest.param(
            {"sys/fs/cgroup/memory.max": f"{8 * MEGA}\n", "sys/fs/cgroup/memory.current": f"{3 * MEGA}\n"},
            GroupLimits(None, 8 * MEGA, 3 * MEGA),
            id="memory",
        ),
        pytest.param(
            {
                "sys/fs/cgroup/memory.max": f"{8 * MEGA}",
                "sys/fs/cgroup/memory.current": f"{7 * MEGA}",
                "sys/fs/cgroup/memory.stat": f"anon {MEGA}\ninactive_file {6 * MEGA}\n",
            },
            GroupLimits(None, 8 * MEGA, MEGA),
            id="files read make room",
        ),
        pytest.param(
            {
                "proc/self/cgroup": "0::/slice/unit\n",
                "sys/fs/cgroup/slice/cpu.max": "100000 100000\n",
                "sys/fs/cgroup/slice/unit/cpu.max": "400000 100000\n",
            },
            GroupLimits(cores=1.0),
            id="the group above has less",
        ),
        pytest.param(
            {
                "proc/self/cgroup": "5:cpu,cpuacct:/docker/a\n4:memory:/docker/a\n",
                "sys/fs/cgroup/cpu/docker/a/cpu.cfs_quota_us": "200000\n",
                "sys/fs/cgroup/cpu/docker/a/cpu.cfs_period_us": "100000\n",
                "sys/fs/cgroup/memory/docker/a/memory.limit_in_bytes": f"{MEGA}\n",
                "sys/fs/cgroup/memory/docker/a/memory.usage_in_bytes": "0\n",
                "sys/fs/cgroup/memory/memory.limit_in_bytes": "9223372036854771712\n",
                "sys/fs/cgroup/memory/memory.usage_in_bytes": "1\n",
            },
            GroupLimits(2.0, MEGA, 0),
            id="version 1",
        ),
        pytest.param(
            {
                "proc/self/cgroup": "1:cpu:/\n",
                "sys/fs/cgroup/cpu/cpu.cfs_quota_us": "-1\n",
                "sys/fs/cgroup/cpu/cpu.cfs_period_us": "100000\n",
            },
            GroupLimits(),
            id="version 1 without a limit",
        ),
    ],
)
def test_limits(tmp_path: Path, files: Files, expected: GroupLimits) -> None:
    assert read_limits(made(tmp_path, files)) == expected


def test_what_is_left() -> None:
    assert GroupLimits().memory_left is None
    assert GroupLimits(None, 5, 3).memory_left == 2
    assert GroupLimits(None, 3, 5).memory_left == 0
