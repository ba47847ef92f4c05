from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from scipy.stats import spearmanr
from sklearn.metrics import label_ranking_average_precision_score

import bertkit
from bertkit.errors import UserError
from bertkit.evaluation import held_out_pairs
from bertkit.evaluation.held_out_pairs import HeldOutPairsEvaluator, nearer_than_own
from bertkit.training.parallelism import DataParallel
from tests.evaluation.small_embedder import embedder, pairs, trainee_of

TEXTS = [(f"w{n} w{n + 1}", f"w{n + 1} w{2 * n} w{n}") for n in range(1, 13)]


def vectors(folder: Path) -> tuple[np.ndarray, np.ndarray]:
    model = bertkit.load(folder, task="sentence-embedding", dtype="float32")
    first_PW, second_PW = (np.asarray(model.encode([pair[place] for pair in TEXTS])) for place in (0, 1))
    return first_PW, second_PW


def test_each_text_finds_its_own_second_as_high_up_as_its_cosine_is(tmp_path: Path) -> None:
    """With one right answer the mean reciprocal rank is scikit-learn's average precision."""
    source, reader = embedder(tmp_path)
    training_module = trainee_of(source, reader, scored=False)
    evaluator = HeldOutPairsEvaluator(reader, pairs(*TEXTS))
    found = evaluator.measure(training_module, DataParallel(training_module, 1))
    first_PW, second_PW = vectors(tmp_path)
    cosines_PP = first_PW @ second_PW.T
    assert found["mrr"] == pytest.approx(label_ranking_average_precision_score(np.eye(len(TEXTS)), cosines_PP))
    assert found["accuracy"] == pytest.approx((cosines_PP.argmax(1) == np.arange(len(TEXTS))).mean())
    assert 0 < found["accuracy"] < 1
    assert (evaluator.best_by, evaluator.score(found), evaluator.best_possible) == ("mrr", -found["mrr"], -1.0)
    assert training_module.training


def test_scores_are_ranked_as_people_do(tmp_path: Path) -> None:
    source, reader = embedder(tmp_path)
    training_module = trainee_of(source, reader, scored=True)
    scores = np.random.default_rng(0).uniform(0, 5, len(TEXTS)).tolist()
    evaluator = HeldOutPairsEvaluator(reader, pairs(*TEXTS, targets=scores))
    found = evaluator.measure(training_module, DataParallel(training_module, 1))
    first_PW, second_PW = vectors(tmp_path)
    assert found["spearmanr"] == pytest.approx(spearmanr((first_PW * second_PW).sum(1), scores).statistic, abs=1e-6)
    assert evaluator.scores is not None
    assert evaluator.score(found) == -found["spearmanr"]
    with pytest.raises(UserError, match=r"best_by is 'spearman' .did you mean 'spearmanr'"):
        HeldOutPairsEvaluator(reader, pairs(*TEXTS, targets=scores), best_by="spearman").score(found)


@pytest.mark.parametrize("at_once", [1, 40, 2**22])
def test_a_few_rows_at_once_are_counted_as_all_together(monkeypatch: pytest.MonkeyPatch, at_once: int) -> None:
    monkeypatch.setattr(held_out_pairs, "AT_ONCE", at_once)
    firsts_PW, seconds_PW = np.random.default_rng(0).integers(-2, 3, size=(2, 17, 3)).astype(float)  # with ties
    cosines_PP = firsts_PW @ seconds_PW.T
    np.testing.assert_array_equal(
        nearer_than_own(firsts_PW, seconds_PW), (cosines_PP > cosines_PP.diagonal()[:, None]).sum(axis=1)
    )
