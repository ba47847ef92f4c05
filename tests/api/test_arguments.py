from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from bertkit.api.arguments import config_of
from bertkit.config.evaluation import EvaluateConfig
from bertkit.config.explaining import ExplainConfig
from bertkit.errors import UserError


def test_arguments_become_settings() -> None:
    given = {"data": Path("a.jsonl"), "batch_tokens": np.int64(64), "text_column": "review", "long": None}
    config = config_of(EvaluateConfig, "evaluate()", given)
    assert (config.data, config.batch_tokens, config.columns) == ("a.jsonl", 64, {"text": "review"})
    assert config.long == EvaluateConfig(data="a.jsonl").long, "what is None was not given"


def test_columns_by_name_and_in_a_table_go_together() -> None:
    given = {"data": "a", "text_column": "review", "columns": {"label": "stars"}}
    assert config_of(EvaluateConfig, "evaluate()", given).columns == {"label": "stars", "text": "review"}


def test_what_is_wrong_is_said_of_the_call() -> None:
    with pytest.raises(UserError, match=r"^explain\(\): no option 'stepps' \(did you mean 'steps'\?\)") as raised:
        config_of(ExplainConfig, "explain()", {"stepps": 3})
    assert "columns" not in raised.value.remedy
    with pytest.raises(UserError, match="steps") as raised:
        config_of(ExplainConfig, "explain()", {"steps": 0})
    assert raised.value.remedy == "Correct this argument of the call."
