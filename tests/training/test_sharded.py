"""Optimisers, clipping and the running mean on parameters that FSDP2 divides: as on whole ones. Two ranks, gloo."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent
RANKS = 2


def free_port() -> int:
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        return int(held.getsockname()[1])


def start(rank: int, port: int) -> subprocess.Popen[str]:
    env = {
        **os.environ,
        "PYTHONPATH": str(HERE.parents[1] / "src"),
        "OPTIMISERS": "adamw lamb muon",
        "MASTER_ADDR": "127.0.0.1",
        "MASTER_PORT": str(port),
        "RANK": str(rank),
        "WORLD_SIZE": str(RANKS),
        "OMP_NUM_THREADS": "1",
    }
    command = [sys.executable, str(HERE / "sharded_ranks.py")]
    return subprocess.Popen(command, env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


def test_divided_parameters_learn_as_whole_ones() -> None:
    port = free_port()
    ranks = [start(rank, port) for rank in range(RANKS)]
    try:
        outputs = [rank.communicate(timeout=600)[0] for rank in ranks]
    finally:
        for rank in ranks:
            rank.kill()
    for number, (rank, output) in enumerate(zip(ranks, outputs, strict=True)):
        assert rank.returncode == 0, output
        for name in ("adamw", "lamb", "muon"):
            assert f"rank {number}: {name} agrees" in output
