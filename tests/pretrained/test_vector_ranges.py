from __future__ import annotations

from pathlib import Path

import pytest

from bertkit.config.vector_ranges import VectorRanges
from bertkit.errors import ConfigError
from bertkit.pretrained.vector_ranges import VECTOR_RANGES, read_ranges, write_ranges


def test_what_is_written_is_read(tmp_path: Path) -> None:
    assert read_ranges(tmp_path) is None
    write_ranges(tmp_path, VectorRanges(low=[-0.5, 0.1], high=[0.25, 0.1], texts=7))
    found = read_ranges(tmp_path)
    assert found is not None
    assert found.low_W.tolist() == pytest.approx([-0.5, 0.1])
    assert found.high_W.tolist() == pytest.approx([0.25, 0.1])


@pytest.mark.parametrize(
    "content", ["", "[]", "{}", '{"low": [1.0], "high": [0.0], "texts": 3}', '{"schema_version": 2}']
)
def test_a_damaged_file_is_named_with_what_to_do(tmp_path: Path, content: str) -> None:
    (tmp_path / VECTOR_RANGES).write_text(content)
    with pytest.raises(ConfigError, match=VECTOR_RANGES) as error:
        read_ranges(tmp_path)
    assert "--calibrate" in error.value.remedy
