from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import bertkit
from bertkit.errors import MissingHead, UserError
from bertkit.inference.model import Model
from bertkit.pretrained.loading import open_pretrained
from bertkit.tasks.scoring import sigmoid
from bertkit.tasks.text_ranking import Ranking
from bertkit.tokenization.windows import Window
from tests.parity.task_peers import make_task_peer

LONG = " ".join(f"w{number}" for number in range(50))
NLI = ["contradiction", "neutral", "entailment"]


def load(folder: Path, **options: object) -> Model:
    return bertkit.load(folder, dtype="float32", **options)  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def ranker(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("ranker")
    make_task_peer("text-classification", folder, labels=["LABEL_0"])
    return folder


@pytest.fixture(scope="module")
def nli(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("nli")
    make_task_peer("text-classification", folder, labels=NLI)
    return folder


def logits(folder: Path, pairs: list[tuple[str, str]], classes: int, **options: object) -> np.ndarray:
    """Logits of pairs, up to a constant for each where there are several."""
    problem = "regression" if classes == 1 else "single-label"
    model = load(folder, task="text-classification", problem=problem, **options)
    records = [result.record() for result in model.predict(pairs)]
    if classes == 1:
        return np.array([[record["value"]] for record in records])
    return np.log([[one["score"] for one in sorted(r["labels"], key=lambda x: NLI.index(x["label"]))] for r in records])  # type: ignore[attr-defined]


def test_ranking_is_by_the_logit_of_query_and_document(ranker: Path) -> None:
    documents = ["w1 w2", "w3", "paris is a city", "w9 w9 w9"]
    expected = logits(ranker, [("w5", document) for document in documents], 1)[:, 0]
    for activation, scores in (("sigmoid", sigmoid(expected)), ("identity", expected)):
        model = load(ranker, task="text-ranking", activation=activation)
        (result,) = model.predict([{"query": "w5", "documents": documents}])
        assert isinstance(result, Ranking)
        assert [one.index for one in result.ranking] == (-expected).argsort().tolist()
        np.testing.assert_allclose([one.score for one in result.ranking], sorted(scores, reverse=True), atol=1e-6)
    assert list(result.record()) == ["ranking", "input_tokens", "windows", "truncated", "dtype"]


def test_a_long_document_is_as_relevant_as_its_best_window(ranker: Path) -> None:
    model = load(ranker, task="text-ranking", activation="identity", long="window")
    seen: list[Window] = []
    engine = model.answerer.engine
    run = engine.run
    engine.run = lambda windows: (seen.extend(windows), run(windows))[1]  # type: ignore[method-assign]
    (result,) = model.predict([{"query": "w5", "documents": [LONG]}])
    assert isinstance(result, Ranking)
    shown = [" ".join(model.tokenizer.token(id) for id in window.ids[3:-1]) for window in seen]
    assert len(shown) == result.reading.windows == 4
    expected = logits(ranker, [("w5", text) for text in shown], 1).max()
    assert result.ranking[0].score == pytest.approx(expected, abs=1e-5)


def test_bad_ranking(nli: Path, ranker: Path) -> None:
    with pytest.raises(MissingHead, match="the head has 3 outputs, text-ranking needs 1"):
        load(nli, task="text-ranking")
    with pytest.raises(UserError, match=r"unknown activation 'sigmoyd' \(did you mean 'sigmoid'\?\)"):
        load(ranker, task="text-ranking", activation="sigmoyd")
    assert open_pretrained(ranker).tasks()[:2] == ["text-classification", "text-ranking"]
