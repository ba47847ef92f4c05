"""Zero-shot classification is one packed batch: every text with each of its labels, and no padding."""

from __future__ import annotations

from pathlib import Path

import pytest

import bertkit
from bertkit.batching.packed import PackedBatch
from bertkit.inference.backend import Outputs
from bertkit.tasks.scoring import Labels
from tests.parity.task_peers import make_task_peer

LABELS = ["w7", "w8 w9", "w10 w11 w12"]
TEXTS = ["w1 w2", "w3", "w4 w5 w6 w7"]
ROWS = [{"text": text, "candidate_labels": LABELS} for text in TEXTS]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("model")
    make_task_peer("text-classification", place, labels=("contradiction", "neutral", "entailment"))
    return place


def scores(model: bertkit.Model, rows: list[dict[str, object]]) -> list[dict[str, float]]:
    found = model.predict(rows)
    assert all(isinstance(one, Labels) for one in found)
    return [{label.label: label.score for label in one.labels} for one in found]  # type: ignore[attr-defined]


def load(folder: Path, problem: str) -> bertkit.Model:
    task = "zero-shot-classification"
    return bertkit.load(folder, task=task, problem=problem, dtype="float32", hypothesis_template="{}")


def test_texts_and_labels_are_one_batch_without_padding(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    model = load(folder, "multi-label")
    packed: list[list[int]] = []
    backend = model.answerer.engine.backend
    run = backend.run

    def counted(batch: PackedBatch) -> Outputs:
        packed.append(list(batch.lengths))
        assert len(batch.ids_T) == sum(batch.lengths)
        return run(batch)

    monkeypatch.setattr(backend, "run", counted)
    results = model.predict(ROWS)
    [lengths] = packed
    assert len(lengths) == len(TEXTS) * len(LABELS)
    assert sum(lengths) == sum(result.reading.input_tokens for result in results)
    assert sum(lengths) < max(lengths) * len(lengths), "what a padded batch would have"


def test_scores_are_those_of_one_by_one(folder: Path) -> None:
    model = load(folder, "multi-label")
    for row, together in zip(ROWS, scores(model, ROWS), strict=True):
        alone = [scores(model, [row | {"candidate_labels": [label]}])[0] for label in LABELS]
        assert together == pytest.approx({label: score for one in alone for label, score in one.items()}, abs=1e-5)
    assert len({round(score, 4) for one in scores(model, ROWS) for score in one.values()}) > 4, "they are not all alike"


def test_one_of_the_labels_hangs_on_no_other(folder: Path) -> None:
    """The softmax over labels: how two of them compare does not change with a third."""
    model = load(folder, "single-label")
    for row, whole in zip(ROWS, scores(model, ROWS), strict=True):
        assert sum(whole.values()) == pytest.approx(1.0)
        [two] = scores(model, [row | {"candidate_labels": LABELS[:2]}])
        share = whole[LABELS[0]] / (whole[LABELS[0]] + whole[LABELS[1]])
        assert two[LABELS[0]] == pytest.approx(share, abs=1e-5)
