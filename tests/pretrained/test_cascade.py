from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import bertkit
from bertkit.config.cascade import CascadeSettings
from bertkit.errors import BadCheckpoint, ConfigError, UserError
from bertkit.pretrained.cascade import CASCADE, STUDENT, read_cascade, write_cascade
from bertkit.pretrained.convert import convert
from bertkit.pretrained.loading import open_pretrained
from tests.compression.students import make_student
from tests.config.test_cascade import settings
from tests.workflows.small_jobs import small_classifier

TEXTS = [f"w{number} w{(7 * number) % 60}" for number in range(20)]


@pytest.fixture
def cascade(tmp_path: Path) -> Path:
    folder = small_classifier(tmp_path / "model")
    make_student(folder, folder / STUDENT, noise=0.5)
    write_cascade(folder, settings(confidence=0.55))
    return folder


def test_it_survives_being_written_again(cascade: Path, tmp_path: Path) -> None:
    convert(cascade, tmp_path / "again", "hub", {})
    assert read_cascade(tmp_path / "again") == settings(confidence=0.55)
    first, again = (bertkit.load(one, dtype="float32").predict_proba(TEXTS) for one in (cascade, tmp_path / "again"))
    np.testing.assert_array_equal(first, again)
    (cascade / CASCADE).unlink()
    assert (bertkit.load(cascade, dtype="float32").predict_proba(TEXTS) != first).any()


def test_googles_layout_has_no_place_for_a_student(cascade: Path, tmp_path: Path) -> None:
    assert "the student of a cascade" in convert(cascade, tmp_path / "tf", "tf", {}).left_out
    assert open_pretrained(tmp_path / "tf").cascade is None


def test_what_takes_one_network_refuses_it(cascade: Path) -> None:
    opened = open_pretrained(cascade)
    with pytest.raises(UserError, match="an export takes one network") as refused:
        opened.check_single("an export")
    assert str(cascade / STUDENT) in refused.value.remedy
    assert opened.cascade is not None
    opened.cascade.student.check_single("an export")


def test_a_folder_that_is_not_whole(cascade: Path) -> None:
    (cascade / STUDENT).rename(cascade / "gone")
    with pytest.raises(BadCheckpoint, match="no folder student"):
        bertkit.load(cascade)
    (cascade / CASCADE).write_text("{}")
    with pytest.raises(ConfigError, match="problem"):
        bertkit.load(cascade)


def test_a_folder_without_the_file_is_none(tmp_path: Path) -> None:
    assert read_cascade(tmp_path) is None
    assert isinstance(settings(), CascadeSettings)
