"""More ranks than there is work, and what the ranks have to agree on. Three ranks, gloo, one start for all of it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests import warm
from tests.training.in_process import run_here
from tests.training.runs import environment, make_data
from tests.training.uneven_ranks import FEW


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_data(tmp_path_factory.mktemp("data"))


def test_ranks_that_have_nothing_to_do(data: Path, tmp_path: Path) -> None:
    script = str(Path(__file__).with_name("uneven_ranks.py"))
    done = warm.wait_for_all(
        warm.start_ranks(3, [script, str(data), str(tmp_path)], environment(), tmp_path / "written")
    )
    assert done.returncode == 0, done.stderr[-5000:]
    alone = run_here(data, tmp_path / "alone", *FEW)
    measured = [record["evaluation"] for record in alone.of("evaluation")]
    for parallel in ("ddp", "fsdp"):
        losses, evaluations = json.loads((tmp_path / f"{parallel}.json").read_text())
        assert losses == pytest.approx(alone.losses(), abs=1e-5)
        assert len(evaluations) == 3
        for found, expected in zip(evaluations, measured, strict=True):
            assert found == pytest.approx(expected, rel=1e-4)
