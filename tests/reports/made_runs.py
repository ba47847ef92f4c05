"""Folders of runs, made without training."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

from bertkit.config.finetuning import FinetuneConfig
from bertkit.config.strict import parse
from bertkit.config.training import TrainingConfig
from bertkit.runs.metrics_file import MetricsFile
from bertkit.runs.run_folder import RunFolder, Start, open_run

START = Start.now(command=["bertkit", "pretrain"], manifest_sha256s=["abc"], ranks=1, device="cpu")


def make_run(path: Path, *, steps: int = 1000, done: int = 1000, height: float = 8.0, **train: Any) -> RunFolder:
    """A run that has a record every ten steps and an evaluation every 200, up to `done`."""
    values = {
        "model": {"preset": "mini"},
        "data": {"shards": "shards"},
        "train": {"steps": steps, **train},
        "run": {"directory": str(path)},
    }
    folder = open_run(parse(TrainingConfig, values, "test"), START)
    metrics = MetricsFile(folder.metrics)
    for step in range(10, done + 1, 10):
        loss = 2.0 + height * math.exp(-step / 300)
        record = {
            "step": step,
            "seconds": step / 10,
            "tokens": step * 32_768,
            "loss": loss,
            "fill-mask/loss": loss - 0.6,
        }
        record |= {"fill-mask/accuracy": 0.5 - loss / 25, "next-sentence-prediction/accuracy": 0.5 + step / 3000}
        metrics.append(record | {"learning_rate": 1e-4 * (1 - step / steps), "tokens_per_second": 4000.0 + step % 70})
        if step % 200 == 0:
            measures = {"loss": loss + 0.2, "fill-mask/loss": loss - 0.4, "fill-mask/accuracy": 0.48 - loss / 25}
            measures |= {"pseudo_perplexity": math.exp(loss - 0.7), "next-sentence-prediction/accuracy": 0.75}
            metrics.append({"step": step, "seconds": step / 10, "evaluation": measures})
    return folder


def make_finetuning(path: Path, **tables: dict[str, Any]) -> RunFolder:
    """A run of fine-tuning of three epochs of 50 steps, of which the second was the best."""
    values = {
        "task": {"name": "text-classification"},
        "data": {"train": "train.csv"},
        "run": {"directory": str(path)},
        **tables,
    }
    folder = open_run(parse(FinetuneConfig, values, "test"), START)
    metrics = MetricsFile(folder.metrics)
    for step, accuracy in ((50, 0.75), (100, 0.9), (150, 0.875)):
        record = {"step": step, "seconds": step / 2, "tokens": step * 400, "sequences": step * 32, "loss": 1 / step}
        metrics.append(record | {"text-classification/loss": 1 / step, "tokens_per_second": 800.0})
        chosen = {"steps": 150, "best_by": "accuracy", "score": -accuracy}
        measures = {"accuracy": accuracy, "f1_macro": accuracy - 0.1}
        metrics.append({"step": step, "seconds": step / 2, "evaluation": measures, **chosen})
    return folder
