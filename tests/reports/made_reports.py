"""Reports of answers that are made up."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from bertkit.formats.rows import Row
from bertkit.labelled.examples import Example, Target
from bertkit.metrics.results import Prediction, Predictions
from bertkit.metrics.task_scores import score_answers, score_results
from bertkit.reports.measured import Measured
from bertkit.reports.report import Report, make_report

OUTSIDE = r"(?:src|href)=|url\(|<script|https?://(?!www\.w3\.org/2000/svg)"


def report(task: str, answers: Predictions, targets: Sequence[Target], text: str = "<i>a text</i>") -> Report:
    fields = {"question": "q", "context": text} if task == "question-answering" else {"text": text}
    examples = [Example(Row(fields, f"data:{n}"), target, str(n)) for n, target in enumerate(targets)]
    if isinstance(answers, dict):
        scores = score_answers(answers, examples)
    else:
        assert not isinstance(answers, dict)
        scores = score_results(task, None, answers, examples)  # type: ignore[arg-type]
    return make_report(Measured("a<b>", task, None, answers, examples, scores, scores, "itself"))


def labelled(count: int, names: Sequence[str], seed: int = 0) -> tuple[list[Prediction], list[str]]:
    random = np.random.default_rng(seed)
    targets = [names[n % len(names)] for n in range(count)]
    results = []
    for target in targets:
        score = {name: float(value) for name, value in zip(names, random.random(len(names)), strict=True)}
        score[target] += 0.4
        total = sum(score.values())
        parts = [{"label": name, "score": value / total} for name, value in score.items()]
        results.append(Prediction({"labels": parts, "input_tokens": int(random.integers(3, 90))}, "p"))
    return results, targets
