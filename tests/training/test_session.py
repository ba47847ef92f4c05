from __future__ import annotations

from pathlib import Path

import torch

from bertkit.training.ranks import Ranks
from bertkit.training.session import Session


def session(folder: Path, rank: int = 0) -> Session:
    return Session(
        Ranks(rank, 1, torch.device("cpu"), None), folder, [], lambda step: None, lambda: False, lambda line: None
    )


def test_a_run_begins_where_there_is_no_whole_checkpoint(tmp_path: Path) -> None:
    assert session(tmp_path).begins()
    checkpoints = session(tmp_path).checkpoints
    (checkpoints / ".step-00000003.tmp").mkdir(parents=True)
    assert session(tmp_path).begins()
    (checkpoints / "step-00000003").mkdir()
    assert not session(tmp_path).begins()
    assert session(tmp_path, rank=1).begins(), "only the first looks; the others are told"
