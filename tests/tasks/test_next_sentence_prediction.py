from __future__ import annotations

from pathlib import Path

import pytest

import bertkit
from bertkit.errors import InputError
from bertkit.inference.model import Model
from bertkit.tasks.next_sentence_prediction import IsNext
from tests.parity.bert_peer import Sizes, make_peer

WORDS = [f"w{number}" for number in range(40)]
LONG = " ".join(WORDS)  # 40 tokens; the model reads 23, special tokens included


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("model")
    make_peer(Sizes(), folder)
    return folder


def load(folder: Path, task: str = "sentence-embedding", **options: object) -> Model:
    return bertkit.load(folder, task=task, dtype="float32", **options)  # type: ignore[arg-type]


def test_pairs_are_not_read_in_windows(folder: Path) -> None:
    with pytest.raises(InputError, match="next-sentence-prediction does not read in windows"):
        load(folder, "next-sentence-prediction", long="window").predict([("paris", LONG)])


def test_next_sentence_is_a_probability(folder: Path) -> None:
    (result,) = load(folder, "next-sentence-prediction").predict([("paris is", "a city")])
    assert isinstance(result, IsNext)
    assert 0 <= result.is_next <= 1
    with pytest.raises(InputError, match="no field 'text_pair'"):
        load(folder, "next-sentence-prediction").predict(["paris"])
