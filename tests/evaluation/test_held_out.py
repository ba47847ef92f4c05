from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest
import torch

from bertkit.evaluation import held_out as module
from bertkit.evaluation.held_out import HeldOutEvaluator
from bertkit.formats.rows import Row
from bertkit.labelled.examples import Example
from bertkit.metrics.results import Prediction
from bertkit.metrics.task_scores import Scores
from bertkit.objectives.text_classification import LabelObjective
from bertkit.pretrained.loading import open_pretrained
from bertkit.tasks.reading import Reader
from bertkit.tokenization.windows import LongText
from bertkit.training.parallelism import DataParallel
from bertkit.training.training_module import TrainingModule
from tests.parity.task_peers import make_task_peer


@pytest.mark.parametrize(("half", "dtype"), [(True, "bfloat16"), (False, "float32")])
def test_records_say_the_precision_that_computed_them(
    half: bool, dtype: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    said: list[object] = []

    def score(name: str, problem: str, results: Sequence[Prediction], examples: Sequence[Example]) -> Scores:
        said.extend(result.record["dtype"] for result in results)
        return Scores({"accuracy": 1.0})

    monkeypatch.setattr(module, "score_results", score)
    make_task_peer("text-classification", tmp_path, labels=("bad", "good"))
    source = open_pretrained(tmp_path)
    task = source.build_task(None, source.load_tokenizer())
    head = source.build_head(task)
    training_module = TrainingModule(
        source.build_encoder(), {"text-classification": LabelObjective(head, "single-label", None, 0.0)}
    ).train()
    reader = Reader(task, 16, LongText.WINDOW, offsets=False)
    held_out = HeldOutEvaluator(reader, [Example(Row({"text": "w1 w2"}, "a:1"), "good", "0")], "single-label")
    before = torch.get_rng_state()
    held_out.measure(training_module, DataParallel(training_module, 1, half=half))
    assert said == [dtype]
    assert training_module.training
    assert torch.equal(torch.get_rng_state(), before)
