from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from bertkit.evaluation.taught_text import held_out_taught, texts_a_second
from bertkit.finetuning.teacher_logits import taught
from bertkit.formats.rows import Row
from bertkit.model.heads import Head
from bertkit.model.soft_labels import SoftLabels
from bertkit.objectives.text_classification import LabelObjective
from bertkit.pretrained.loading import open_pretrained
from bertkit.sampling.sample_stream import Sample
from bertkit.training.parallelism import DataParallel
from bertkit.training.training_module import TrainingModule
from tests.evaluation.small_embedder import ALONE
from tests.parity.task_peers import make_task_peer


def test_a_teacher_agrees_with_itself_and_a_student_less(tmp_path: Path) -> None:
    make_task_peer("text-classification", tmp_path)
    source = open_pretrained(tmp_path)
    task = source.build_task(None, source.load_tokenizer())
    encoder, head = source.build_encoder().float(), source.build_head(task)
    assert isinstance(head, Head)
    ids = [[2, *range(10, 12 + number), 3] for number in range(9)]
    samples = [Sample((one,), ([0] * len(one),), {"label_B": np.array([0])}) for one in ids]
    samples = taught(samples, encoder, head.float(), torch.device("cpu"))
    objective = LabelObjective(head, "single-label", None, 0.0, SoftLabels("single-label", 2.0, 0.0))
    training_module = TrainingModule(encoder, {task.name: objective})
    evaluator = held_out_taught(samples, task.name, ALONE)
    assert evaluator.best_by == "divergence"
    same = evaluator.measure(training_module, DataParallel(training_module, 1))
    assert same == {"divergence": pytest.approx(0.0, abs=1e-5), "agreement": 1.0}
    with torch.no_grad():
        head.classifier.weight.neg_()  # type: ignore[operator]
    other = evaluator.measure(training_module, DataParallel(training_module, 1))
    assert other["divergence"] > 0.01
    assert other["agreement"] < 1


class Takes:
    """A model that moves a clock: so many seconds for each of its calls in turn."""

    def __init__(self, clock: list[float], *seconds: float) -> None:
        self.clock, self.seconds, self.calls = clock, list(seconds), 0

    def stream(self, rows: list[Row]) -> list[Row]:
        self.clock[0] += self.seconds[self.calls]
        self.calls += 1
        return rows


def test_speeds_are_medians_of_rounds_without_the_first(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = [100.0]
    monkeypatch.setattr(time, "perf_counter", lambda: clock[0])
    models: list[Any] = [Takes(clock, 50.0, 1.0, 2.0, 9.0), Takes(clock, 0.0, 4.0, 4.0, 4.0)]
    rows = [Row({"text": "w1"}, f"r:{number}") for number in range(8)]
    assert texts_a_second(models, rows, rounds=3) == [8 / 2.0, 8 / 4.0]
    assert [model.calls for model in models] == [4, 4]
