from __future__ import annotations

import pytest

from bertkit.config.calibration import ModelCalibration
from bertkit.config.strict import parse
from bertkit.errors import ConfigError

WHOLE = {
    "problem": "single-label",
    "temperature": 1.5,
    "examples": 20,
    "error_before": 0.1,
    "error_after": 0.05,
}


def test_what_may_be_left_out() -> None:
    found = parse(ModelCalibration, WHOLE, "here")
    assert (found.schema_version, found.abstain_below, found.data_sha256) == (1, None, None)


@pytest.mark.parametrize(
    "change",
    [{"temperature": 0.0}, {"abstain_below": 1.5}, {"problem": "regression"}, {"schema_version": 2}, {"examples": 0}],
)
def test_values_that_are_none(change: dict[str, object]) -> None:
    with pytest.raises(ConfigError, match=next(iter(change))):
        parse(ModelCalibration, WHOLE | change, "here")
