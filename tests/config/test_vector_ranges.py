from __future__ import annotations

import pytest

from bertkit.config.strict import parse
from bertkit.config.vector_ranges import VectorRanges
from bertkit.errors import ConfigError

SOUND = {"low": [0.0, -1.0], "high": [0.0, 1.0], "texts": 2}


def test_what_is_sound_is_read() -> None:
    assert parse(VectorRanges, SOUND, "file").high == [0.0, 1.0]


@pytest.mark.parametrize(
    "change",
    [{"high": [1.0]}, {"high": [0.0, -2.0]}, {"low": []}, {"low": [float("nan"), 0.0]}, {"texts": 0}, {"more": 1}],
)
def test_what_is_not_is_refused(change: dict[str, object]) -> None:
    with pytest.raises(ConfigError, match="file"):
        parse(VectorRanges, SOUND | change, "file")
