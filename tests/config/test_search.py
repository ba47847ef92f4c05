from __future__ import annotations

import pytest

from bertkit.config.finetuning import FinetuneConfig
from bertkit.config.search import SearchTable, SweepConfig
from bertkit.config.strict import parse
from bertkit.errors import ConfigError

BASE = {"task": {"name": "text-classification"}, "data": {"train": "a.jsonl"}, "run": {"directory": "out"}}


def test_a_sweep_is_over_seeds_or_settings() -> None:
    base = parse(FinetuneConfig, BASE, "here").model_dump()
    assert parse(SweepConfig, {"base": base, "search": 3}, "here").space == SearchTable()
    for both in ({}, {"seeds": 3, "search": 2}):
        with pytest.raises(ConfigError, match="seeds or over settings, one of the two"):
            parse(SweepConfig, {"base": base, **both}, "here")
    with pytest.raises(ConfigError, match="seeds"):
        parse(SweepConfig, {"base": base, "seeds": 1}, "here")


@pytest.mark.parametrize("table", [{"learning_rate": [1e-5]}, {"epochs": []}, {"batch_samples": [0]}, {"epoch": [1]}])
def test_a_space_that_is_none(table: dict[str, object]) -> None:
    with pytest.raises(ConfigError, match=next(iter(table))):
        parse(SearchTable, table, "here")
