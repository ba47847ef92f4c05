from __future__ import annotations

import os
import time
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from bertkit.errors import InputError
from bertkit.reports.run_summary import summarise
from bertkit.runs.metrics_file import MetricsFile
from tests.reports.made_runs import make_finetuning, make_run


def test_a_finished_run(tmp_path: Path) -> None:
    folder = make_run(tmp_path / "a")
    folder.checkpoint(1000).mkdir()
    folder.model.mkdir()
    save_file({"w": torch.zeros(3, 4), "b": torch.zeros(5)}, folder.model / "model.safetensors")
    run = summarise(tmp_path / "a")
    assert (run.name, run.state, run.model, run.parameters) == ("a", "finished", "bert mini", 17)
    assert (run.step, run.steps, run.tokens, run.seconds, run.checkpoint) == (1000, 1000, 32_768_000, 100.0, 1000)
    assert run.tokens_per_second == pytest.approx(4030)
    assert run.best == run.last
    assert run.last["step"] == 1000
    assert len(run.training("loss")) == 100
    assert [step for step, _ in run.held_out("fill-mask/accuracy")] == [200, 400, 600, 800, 1000]


def test_a_run_is_running_while_it_writes(tmp_path: Path) -> None:
    folder = make_run(tmp_path / "a", done=500)
    assert summarise(folder.path).state == "running"
    an_hour_ago = time.time() - 3600
    for path in (folder.metrics, folder.starts):
        os.utime(path, (an_hour_ago, an_hour_ago))
    assert summarise(folder.path).state == "stopped"
    MetricsFile(folder.metrics).append({"step": 510, "seconds": 3000.0})  # it has paused for so long before
    os.utime(folder.metrics, (an_hour_ago, an_hour_ago))
    assert summarise(folder.path).state == "running"


def test_the_best_evaluation_need_not_be_the_last(tmp_path: Path) -> None:
    folder = make_run(tmp_path / "a")
    metrics = MetricsFile(folder.metrics)
    metrics.append({"step": 1000, "seconds": 1.0, "evaluation": {"loss": 99.0}})
    metrics.append({"step": 1001, "skipped": "the loss is not finite"})
    run = summarise(folder.path)
    assert (run.best["step"], run.last["loss"], run.skipped) == (1000, 99.0, 1)
    assert run.best["loss"] != 99.0


def test_a_run_that_has_only_begun(tmp_path: Path) -> None:
    run = summarise(make_run(tmp_path / "a", done=0).path)
    assert (run.step, run.loss, run.tokens_per_second, run.checkpoint, run.best) == (0, None, None, None, {})
    assert run.state == "running"


def test_a_folder_that_is_no_run(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"no config\.toml"):
        summarise(tmp_path)


def test_a_run_of_fine_tuning(tmp_path: Path) -> None:
    folder = make_finetuning(tmp_path / "a", model={"start": "hub/mini", "lora": {"rank": 4}})
    run = summarise(folder.path)
    assert (run.task, run.model, run.state) == ("text-classification", "mini, LoRA 4", "running")
    assert (run.step, run.steps, run.samples, run.seconds) == (150, 150, 4800, 75.0)
    assert run.best_by == "accuracy"
    assert run.best == {"step": 100, "accuracy": 0.9, "f1_macro": 0.8}
    assert run.last["accuracy"] == 0.875
    folder.model.mkdir()
    assert summarise(folder.path).state == "finished"


def test_patience_ends_a_run_before_its_last_step(tmp_path: Path) -> None:
    folder = make_finetuning(tmp_path / "a")
    MetricsFile(folder.metrics).rewind(100)
    folder.model.mkdir()
    run = summarise(folder.path)
    assert (run.state, run.step, run.steps, run.model) == ("finished", 100, 150, "the built-in model")


def test_the_steps_of_fine_tuning_are_known_with_its_first_evaluation(tmp_path: Path) -> None:
    folder = make_finetuning(tmp_path / "a", model={"head_only": True})
    MetricsFile(folder.metrics).rewind(0)
    run = summarise(folder.path)
    assert (run.steps, run.best_by, run.best, run.last, run.model) == (
        None,
        None,
        {},
        {},
        "the built-in model, its head",
    )
