from __future__ import annotations

from pathlib import Path

import bertkit
from bertkit.config.evaluation import EvaluateConfig
from bertkit.workflows.observer import SILENT
from bertkit.workflows.scoring import examples_of, scored_by
from tests.workflows.small_jobs import labelled_texts, small_classifier, write_table


def test_examples_are_answered_and_scored(tmp_path: Path) -> None:
    folder = small_classifier(tmp_path / "model")
    data = write_table(tmp_path / "data.tsv", labelled_texts(folder, 12))
    config = EvaluateConfig(data=str(data), model=str(folder))
    examples = examples_of(config, "text-classification", lambda line: None)
    scored = scored_by(bertkit.load(folder), config, examples, SILENT)
    assert len(scored.answers) == len(examples) == 12
    assert "accuracy" in scored.scores.metrics


def test_a_task_without_scores_has_no_examples() -> None:
    assert examples_of(EvaluateConfig(data="nothing.tsv", model="m"), "feature-extraction", lambda line: None) == []
