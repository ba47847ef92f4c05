"""What is asked of the job, and what is said of its result; the job itself: workflows/test_compress.py."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest

from bertkit.compression.pace import Pace
from bertkit.config.compressing import CompressConfig
from bertkit.errors import LossTooLarge
from bertkit.workflows.compression import Compression, MeasuredLoss
from tests.cli.conftest import Ended

Run = Callable[..., Ended]
MADE = Compression(
    Path("small"),
    "int8",
    90_900_000,
    23_100_000,
    MeasuredLoss("accuracy", 0.91, 0.9, 1.0, -0.5, 2.0),
    (Pace(1000.0, 10.0, 12.0), Pace(2000.0, 6.0, 7.0)),
    ("layers.1.mlp.down.weight",),
)


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[CompressConfig]:
    """What the job is asked; it makes `MADE`, but of a bound below 0 nothing."""
    configs: list[CompressConfig] = []

    def compress(config: CompressConfig, observer: object) -> Compression:
        configs.append(config)
        if config.max_loss < 0:
            raise LossTooLarge("it would lose too much")
        return MADE

    job = ModuleType("bertkit.workflows.compress")
    job.compress = compress  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "bertkit.workflows.compress", job)
    return configs


def test_it_says_what_it_cost(run: Run, asked: list[CompressConfig]) -> None:
    ended = run("compress", "-m", "big", "--data", "dev.tsv", "-o", "small", "--text-column", "sentence")
    assert ended.code == 0
    lines = ended.out.splitlines()
    assert [line.split() for line in lines[:3]] == [
        ["before", "after"],
        ["weights,", "MB", "90.9", "23.1"],
        ["tokens", "a", "second", "1,000", "2,000"],
    ]
    assert "kept in floating point: layers.1.mlp.down.weight" in lines
    assert lines[-1] == "written: small"
    (config,) = asked
    assert (config.to, config.max_loss, config.columns) == ("int8", 0.5, {"text": "sentence"})


def test_json(run: Run, asked: list[CompressConfig]) -> None:
    ended = run("compress", "-m", "big", "--data", "dev.tsv", "-o", "small", "--json", "--max-loss", "1.5")
    record = json.loads(ended.out)
    assert (record["loss_points"], record["interval"]) == (1.0, [-0.5, 2.0])
    assert record["bytes"] == {"before": 90_900_000, "after": 23_100_000}
    assert record["pace"]["after"]["tokens_per_second"] == 2000.0
    assert asked[0].max_loss == 1.5


def test_a_loss_that_may_not_be_ends_with_1(run: Run, asked: list[CompressConfig]) -> None:
    ended = run("compress", "-m", "big", "--data", "dev.tsv", "-o", "small", "--max-loss", "-1")
    assert ended.code == 1
    assert "it would lose too much" in ended.err
    assert "--max-loss" in ended.err


def test_int8_without_data_is_wrong_use(run: Run, asked: list[CompressConfig]) -> None:
    ended = run("compress", "-m", "big", "-o", "small")
    assert ended.code == 2
    assert "give data" in ended.err
    assert run("compress", "-m", "big", "-o", "small", "--to", "bf16").code == 0
