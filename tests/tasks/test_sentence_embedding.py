from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import bertkit
from bertkit.inference.model import Model
from bertkit.tasks.sentence_embedding import Embedding
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


def embeddings(model: Model, rows: object) -> np.ndarray:
    return np.stack([result.embedding for result in model.predict(rows) if isinstance(result, Embedding)])  # type: ignore[arg-type]


def test_windows_of_an_embedding_are_pooled_by_token(folder: Path) -> None:
    model = load(folder, long="window", normalize=False)
    both = embeddings(model, [" ".join(WORDS[:21]), " ".join(WORDS[21:])])
    expected = (both[0] * 23 + both[1] * 21) / 44
    np.testing.assert_allclose(embeddings(model, [LONG])[0], expected, atol=1e-6)
