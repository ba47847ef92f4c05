from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import bertkit
from bertkit.errors import InputError
from bertkit.evaluation.predicted_records import predicted_records, unit_vectors
from bertkit.formats.rows import Row
from bertkit.inference.model import Model
from bertkit.labelled.examples import Example
from tests.parity.bert_peer import Sizes, make_peer
from tests.parity.task_peers import make_task_peer

PAIRS = [("w1 w2", "w3"), ("w4", "w4"), ("w5 w6 w7", "w8")]


@pytest.fixture(scope="module")
def embedder(tmp_path_factory: pytest.TempPathFactory) -> Model:
    folder = tmp_path_factory.mktemp("model")
    make_peer(Sizes(), folder)
    return bertkit.load(folder, task="sentence-embedding", dtype="float32")


def examples(*texts: tuple[str, ...]) -> list[Example]:
    fields = [dict(zip(("text", "text_pair"), one, strict=False)) for one in texts]
    return [Example(Row(one, f"d:{number}"), None, str(number)) for number, one in enumerate(fields, 1)]


def test_a_pair_of_texts_has_the_cosine_of_its_vectors(embedder: Model) -> None:
    ticks: list[float] = []
    found = predicted_records(embedder, examples(*PAIRS), ticks.append)
    first_NW, second_NW = (embedder.encode([pair[place] for pair in PAIRS]) for place in (0, 1))
    np.testing.assert_allclose([one.record["value"] for one in found], (first_NW * second_NW).sum(1), atol=1e-6)
    assert [one.place for one in found] == ["d:1", "d:2", "d:3"]
    assert sum(ticks) == 3
    vectors_NW = unit_vectors(embedder, [Row({"text": "w1"}, "d:1")])
    np.testing.assert_allclose(np.linalg.norm(vectors_NW, axis=1), 1)


def test_others_have_the_records_of_predict(tmp_path: Path) -> None:
    make_task_peer("text-classification", tmp_path)
    model = bertkit.load(tmp_path, dtype="float32")
    ticks: list[float] = []
    found = predicted_records(model, examples(("w1",), ("w2 w3",)), ticks.append)
    assert [one.record for one in found] == [one.record() for one in model.predict(["w1", "w2 w3"])]
    assert ticks == [1, 1]
    with pytest.raises(InputError, match="d:2: the text is empty"):
        predicted_records(model, examples(("w1",), ("",)))
