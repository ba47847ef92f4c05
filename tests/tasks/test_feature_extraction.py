from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import bertkit
from bertkit.inference.model import Model
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


def test_windows_answer_for_every_token(folder: Path) -> None:
    record = load(folder, "feature-extraction", long="window").predict([LONG])[0].record()
    assert record["tokens"] == ["[CLS]", *WORDS, "[SEP]"]
    assert [LONG[start:end] for start, end in record["offsets"]][1:-1] == WORDS  # type: ignore[attr-defined]
    assert np.array(record["vectors"]).shape == (42, 33)
