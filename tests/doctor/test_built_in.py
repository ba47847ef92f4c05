"""Models of bertkit's own: whole, missing, or other bytes."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from bertkit.checkpoints.embedded import TRAINED
from bertkit.doctor import built_in
from bertkit.doctor.built_in import SUMS, built_in_models, trained_digests
from bertkit.errors import BadCheckpoint, ModelNotFound


@pytest.fixture
def trained(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of what is in the package, and no default model to look for."""
    folder = Path(shutil.copytree(TRAINED, tmp_path / "trained"))
    monkeypatch.setattr(built_in, "TRAINED", folder)
    monkeypatch.setattr(built_in, "embedded_folder", lambda: tmp_path)
    return folder


def states() -> dict[str, str]:
    return {one.name: one.state for one in built_in_models()}


WHOLE = dict.fromkeys(["all-MiniLM-L6-v2", "entities", "mini", "questions", "sentiment"], "whole")


@pytest.mark.usefixtures("trained")
def test_all_are_whole() -> None:
    assert states() == WHOLE


def test_every_file_but_the_cards_has_a_digest() -> None:
    files = {path.relative_to(TRAINED).as_posix() for path in TRAINED.rglob("*") if path.is_file()}
    assert {name for name in files if not name.endswith(("README.md", SUMS))} == set(trained_digests())


def test_one_that_is_damaged_and_one_that_is_missing(trained: Path) -> None:
    with (trained / "mini/model.safetensors").open("r+b") as file:
        file.seek(5000)
        file.write(b"\xff\xfe")
    (trained / "questions/adapter.json").unlink()
    assert states() == WHOLE | {"mini": "damaged", "questions": "absent"}
    (trained / SUMS).unlink()
    assert states() == {"all-MiniLM-L6-v2": "whole", "trained parts": "absent"}


@pytest.mark.parametrize(
    ("error", "state"),
    [(ModelNotFound("not there"), "absent"), (BadCheckpoint("other bytes"), "damaged"), (ImportError("hub"), "absent")],
)
@pytest.mark.usefixtures("trained")
def test_the_default_model(error: Exception, state: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails() -> Path:
        raise error

    monkeypatch.setattr(built_in, "embedded_folder", fails)
    one = built_in_models()[0]
    assert one.state == state
    assert str(error) in one.words
    assert "pip install" in one.cure
