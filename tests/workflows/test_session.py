from __future__ import annotations

from pathlib import Path

import pytest
import torch

from bertkit.checkpoints.locks import owned
from bertkit.errors import FolderInUse
from bertkit.runs.metrics_file import MetricsFile, read_metrics
from bertkit.training.ranks import Ranks
from bertkit.workflows.session import sole_run, started, stopped
from tests.training.runs import settings
from tests.workflows.small import Remembers

ONE = Ranks(0, 1, torch.device("cpu"), None)


def test_a_session_rewinds_its_records_and_tells_who_follows(tmp_path: Path) -> None:
    config = settings({"run": {"directory": str(tmp_path)}})
    old = MetricsFile(tmp_path / "metrics.jsonl")
    for step in (1, 2, 3):
        old.append({"step": step})
    observer = Remembers()
    with started(config, ["sha"], ONE, 9, observer) as session:
        assert session.begins()
        assert list(session.observers) == []
        session.resumed(2)
        for one in session.observers:
            one.on_record({"step": 3, "loss": 0.5})
        (session.checkpoints / "step-00000003").mkdir()
        assert not session.begins()
        error = stopped(session)
    assert observer.said == ["going on after step 2"]
    assert (observer.steps, observer.records) == ([9], [{"step": 3, "loss": 0.5}])
    assert read_metrics(tmp_path / "metrics.jsonl") == [{"step": 1}, {"step": 2}, {"step": 3, "loss": 0.5}]
    assert error.step == 3
    assert "asked to stop" in str(error)


def test_other_ranks_follow_nothing(tmp_path: Path) -> None:
    config = settings({"run": {"directory": str(tmp_path)}})
    with started(config, [], ONE, 9, Remembers()) as session:
        assert stopped(session).step is None
    second = Ranks(1, 1, torch.device("cpu"), None)
    with started(config, [], second, 9, Remembers()) as session:
        session.resumed(0)
        assert list(session.observers) == []


def test_the_folder_is_held(tmp_path: Path) -> None:
    with sole_run(str(tmp_path), ONE), pytest.raises(FolderInUse), owned(tmp_path):
        pass
