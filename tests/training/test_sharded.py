"""Optimisers, clipping and the running mean on parameters that FSDP2 divides: as on whole ones. Two ranks, gloo."""

from __future__ import annotations

import os
from pathlib import Path

from tests import warm

SCRIPT = Path(__file__).with_name("sharded_ranks.py")
RANKS = 2


def test_divided_parameters_learn_as_whole_ones(tmp_path: Path) -> None:
    environment = {**os.environ, "OPTIMISERS": "adamw lamb muon", "OMP_NUM_THREADS": "1"}
    for number, rank in enumerate(warm.start_ranks(RANKS, [str(SCRIPT)], environment, tmp_path)):
        ended = rank.wait()
        assert ended.returncode == 0, ended.stderr
        for name in ("adamw", "lamb", "muon"):
            assert f"rank {number}: {name} agrees" in ended.stdout
