"""The README.md of a fine-tuned model: what it does, what it learnt from and how, and what it came to."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from bertkit.labelled.shared_texts import FOLDED, Shared
from bertkit.runs.model_card import table


@dataclass(frozen=True, slots=True)
class FinetunedFacts:
    """All that a card says.

    Attributes:
        start: what was fine-tuned, or what the student was before it learnt from the teacher.
        teacher: whose answers were learnt, in distillation.
        data: each file of examples and its sha256.
        examples, held_out: how many were learnt from, and measured on.
        metric: that the checkpoint was chosen by.
        beside: what simpler models reached in it on the same held-out examples, by their names.
        shared: which were both.
        notes: how the data was understood and what is odd in it, a line each.
        step, steps: of the checkpoint that was kept, and of the whole run.
        intervals: where each measure lies with 95 % confidence.
        machine: the hardware, in words.
        energy: that it took, in words that say how this is known.
    """

    name: str
    task: str
    labels: Sequence[str]
    start: str
    data: Mapping[str, str]
    examples: int
    held_out: int
    shared: Shared
    measures: Mapping[str, float]
    intervals: Mapping[str, tuple[float, float]]
    recipe: Mapping[str, object]
    step: int
    steps: int
    seconds: float
    machine: str
    energy: str
    version: str
    teacher: str | None = None
    metric: str = ""
    beside: Mapping[str, float] = field(default_factory=dict)
    notes: Sequence[str] = ()


def finetuned_card(facts: FinetunedFacts) -> str:
    """The card as Markdown, with the header that the hub reads."""
    shown = {name: f"{value:.4f}{_interval(facts.intervals.get(name))}" for name, value in facts.measures.items()}
    labels = f" Labels: {', '.join(facts.labels)}." if facts.labels else ""
    origin = f"fine-tuned from {facts.start}"
    if facts.teacher is not None:
        origin = f"distilled from {facts.teacher}, beginning as {facts.start},"
    parts = [
        _header(facts),
        f"# {facts.name}\n",
        f"{facts.task}, {origin} with bertkit {facts.version}.{labels}\n",
        "## Results\n",
        f"On {_measured_on(facts)}, at step {facts.step:,} of {facts.steps:,}, the best by these same examples:\n",
        table(("metric", "value (95 % interval, over resampled examples)"), shown),
        *_beside(facts),
        "## Data\n",
        f"{facts.examples:,} examples.\n",
        *(["".join(f"- {' '.join(line.split())}\n" for line in facts.notes)] if facts.notes else []),
        table(("file", "sha256"), facts.data),
        "## Recipe\n",
        table(("setting", "value"), facts.recipe),
        "## Hardware\n",
        f"{facts.seconds:,.0f} seconds of training on {facts.machine}. {facts.energy}\n",
        "## Use\n",
        f'```bash\nbertkit predict -m FOLDER --task {facts.task} "some text"\n```\n\n`FOLDER` is this folder.\n',
    ]
    return "\n".join(parts)


def _header(facts: FinetunedFacts) -> str:
    """What the hub reads of a card: how the model is opened, and its results (`model-index`); JSON is YAML too."""
    values = {name: round(value, 4) for name, value in facts.measures.items() if math.isfinite(value)}
    data = ", ".join(facts.data)
    result = {
        "task": {"type": facts.task, "name": facts.task},
        "dataset": {"type": data, "name": f"{data}: {facts.held_out} examples that were held out"},
        "metrics": [{"type": name, "name": name, "value": value} for name, value in values.items()],
    }
    index = json.dumps([{"name": facts.name, "results": [result]}])
    results = f"model-index: {index}\n" if values and data else ""
    return f"---\nlibrary_name: transformers\npipeline_tag: {facts.task}\ntags:\n- bertkit\n{results}---\n"


def _beside(facts: FinetunedFacts) -> list[str]:
    """What to compare the score with."""
    if not facts.beside:
        return []
    return [
        f"What simpler models reach on the same examples, which chose nothing about them ({facts.metric}):\n",
        table(("model", facts.metric), {name: f"{value:.4f}" for name, value in facts.beside.items()}),
    ]


def _measured_on(facts: FinetunedFacts) -> str:
    if not facts.shared.examples:
        return f"{facts.held_out:,} examples that it did not learn from"
    return f"{facts.held_out:,} examples, of which it has learnt from {facts.shared.examples:,} ({FOLDED})"


def _interval(ends: tuple[float, float] | None) -> str:
    return "" if ends is None else f" ({ends[0]:.4f} to {ends[1]:.4f})"
