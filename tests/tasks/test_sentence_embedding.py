from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import bertkit
from bertkit.errors import UserError
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


@pytest.mark.parametrize("truncate_dim", [None, 11])
def test_another_precision_is_that_of_the_vector(folder: Path, truncate_dim: int | None) -> None:
    texts = ["w1 w2", "w3", LONG]
    plain_NW = load(folder, long="window", truncate_dim=truncate_dim).encode(texts)
    for precision in ("float16", "binary", "ubinary"):
        model = load(folder, long="window", truncate_dim=truncate_dim, precision=precision)
        stored = model.encode(texts)
        assert (stored == bertkit.quantize_embeddings(plain_NW, precision)).all()  # type: ignore[arg-type]
        assert model.encode([]).dtype == stored.dtype
        result = model.predict("w1 w2")
        assert isinstance(result, Embedding)
        assert result.record()["precision"] == precision
        assert result.vector.shape == plain_NW[0].shape


def test_bytes_need_ranges_which_are_in_the_folder(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="the model's folder has no ranges") as error:
        load(folder, precision="int8")
    assert "--calibrate" in error.value.remedy
    own = tmp_path / "own"
    load(folder).save(own)
    plain_NW = load(folder).encode(WORDS)
    bertkit.find_ranges(own, WORDS, task="sentence-embedding", dtype="float32", progress=False)
    for precision in ("int8", "uint8"):
        stored_NW = load(own, precision=precision).encode(WORDS)
        assert (stored_NW == bertkit.quantize_embeddings(plain_NW, precision)).all()  # type: ignore[arg-type]
        first_NW = load(own, precision=precision, truncate_dim=3).encode(WORDS)
        assert (first_NW == stored_NW[:, :3]).all()
    result = load(own, precision="int8").predict("w7")
    assert isinstance(result, Embedding)
    np.testing.assert_allclose(result.vector, plain_NW[7], atol=0.01)


def test_an_unknown_precision_is_refused(folder: Path) -> None:
    with pytest.raises(UserError, match="unknown precision 'int4'"):
        load(folder, precision="int4")
