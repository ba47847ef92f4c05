"""The hub's cache and settings, and folders that are written to."""

from __future__ import annotations

from pathlib import Path

import pytest
from huggingface_hub import constants

from bertkit.doctor.places import hub_facts, writable_folders


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
    monkeypatch.setattr(constants, "HF_TOKEN_PATH", str(tmp_path / "token"))
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    (tmp_path / "hub/models--a--b/blobs").mkdir(parents=True)
    return tmp_path / "hub"


def test_models_and_what_is_unfinished(cache: Path) -> None:
    (cache / "models--a--b/blobs/0123.incomplete").write_bytes(b"12345")
    facts = hub_facts({})
    assert (facts.cache, facts.models, facts.unfinished_bytes) == (str(cache), 1, 5)
    assert (facts.offline, facts.token, facts.token_is_odd) == (None, None, False)


@pytest.mark.parametrize(
    ("token", "odd"), [("hf_AbC123", False), ("hf_AbC 123", True), ("secret", True), ("hf_AbC123\n", True)]
)
@pytest.mark.usefixtures("cache")
def test_a_token_of_the_environment(token: str, odd: bool) -> None:
    facts = hub_facts({"HF_TOKEN": token})
    assert (facts.token, facts.token_is_odd) == ("HF_TOKEN", odd)


def test_a_token_in_a_file(cache: Path) -> None:
    (cache.parent / "token").write_text("hf_AbC123\n")
    facts = hub_facts({"HF_TOKEN": ""})
    assert (facts.token, facts.token_is_odd) == (str(cache.parent / "token"), False)


@pytest.mark.parametrize("name", ["HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE"])
@pytest.mark.usefixtures("cache")
def test_offline(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    assert hub_facts({name: "1"}).offline == name


def test_folders(tmp_path: Path) -> None:
    hub, *rest = writable_folders(str(tmp_path / "not/yet"))
    assert (hub.use, hub.writable) == ("hub cache", True)
    assert hub.free_bytes
    assert [folder.use for folder in rest] == ["temporary files", "this folder"]
    (tmp_path / "file").touch()
    assert not writable_folders(str(tmp_path / "file/in it"))[0].writable


def test_a_folder_that_has_been_removed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    gone = tmp_path / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()
    here = writable_folders(str(tmp_path))[-1]
    assert (here.use, here.writable) == ("this folder", False)
