from __future__ import annotations

from pathlib import Path

import pytest

from bertkit.config.vector_ranges import VectorRanges
from bertkit.errors import ConfigError
from bertkit.pretrained.own_file import read_own, write_own


def test_what_is_written_is_read_and_damage_has_its_remedy(tmp_path: Path) -> None:
    path, ranges = tmp_path / "file.json", VectorRanges(low=[0.0], high=[1.0], texts=3)
    assert read_own(VectorRanges, path, "Again.") is None
    write_own(path, ranges)
    assert read_own(VectorRanges, path, "Again.") == ranges
    for content in ("{", "[1]", '{"low": 3}', '{"unknown": 1}'):
        path.write_text(content)
        with pytest.raises(ConfigError, match=r"file\.json") as error:
            read_own(VectorRanges, path, "Again.")
        assert error.value.remedy == "Again."
