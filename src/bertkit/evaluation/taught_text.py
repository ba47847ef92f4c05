"""How far a student is from its teacher on held-out texts, and how fast each of them is."""

from __future__ import annotations

import time
from collections.abc import Sequence
from statistics import median

from bertkit.config.batch_tokens import batch_tokens
from bertkit.evaluation.held_out_loss import HeldOutLossEvaluator
from bertkit.formats.row import Row
from bertkit.inference.model import Model
from bertkit.sampling.sample_stream import Sample, SampleBatch
from bertkit.training.evaluation import LossEvaluator
from bertkit.training.ranks import Ranks

ROUNDS = 5


def held_out_taught(
    samples: Sequence[Sample], task: str, ranks: Ranks, best_by: str | None = None
) -> HeldOutLossEvaluator:
    """Measures a student on samples that have the teacher's numbers: `divergence`, and `agreement` of their answers.

    Where labels count in the loss, the divergence is the whole of it.
    """
    most = batch_tokens("read", ranks.device.type)
    evaluation = LossEvaluator([SampleBatch(samples)], [], {task: 1.0}, ranks, most)
    return HeldOutLossEvaluator(evaluation, {f"{task}/loss": "divergence", f"{task}/accuracy": "agreement"}, best_by)


def texts_a_second(models: Sequence[Model], rows: Sequence[Row], rounds: int = ROUNDS) -> list[float]:
    """How many texts each model answers a second, tokenisation included: medians of rounds in which they take turns.

    Args:
        rows: at least one; all models read the same. A round more goes before, to warm up.
    """
    seconds: list[list[float]] = [[] for _ in models]
    for _ in range(rounds + 1):
        for model, each in zip(models, seconds, strict=True):
            began = time.perf_counter()
            list(model.stream(rows))
            each.append(time.perf_counter() - began)
    return [len(rows) / median(each[1:]) for each in seconds]
