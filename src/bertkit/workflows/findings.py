"""What fine-tuning reports besides training: warnings about the data, scores of simpler models, the model's card."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

from bertkit.config.data_source import RowsInMemory
from bertkit.config.finetuning import FinetuneConfig
from bertkit.config.training_file import flat
from bertkit.evaluation.baselines import Baseline, baselines_of
from bertkit.finetuning.finetuned_card import FinetunedFacts, finetuned_card
from bertkit.finetuning.job import Job
from bertkit.finetuning.recipe import TrainingRecipe
from bertkit.finetuning.training_data import all_data
from bertkit.labelled.doubts import Doubts, doubts
from bertkit.metrics.intervals import intervals_of
from bertkit.reports.beside import BESIDE, PROBE, Beside
from bertkit.runs.hardware import energy_in_words, hardware_in_words
from bertkit.training.ranks import Ranks
from bertkit.workflows.observer import Observer
from bertkit.workflows.results import FinetuneResult

if TYPE_CHECKING:
    from bertkit.finetuning.run import Finetuned


@dataclass(frozen=True)
class Findings:
    """What is known before the first step.

    Attributes:
        doubts: what is odd in the examples.
        baselines: simpler models on the same held-out examples; the first process measures them.
        sha256s: of the data.
    """

    doubts: Doubts
    baselines: Sequence[Baseline]
    sha256s: Sequence[str]


def find(
    config: FinetuneConfig, job: Job, recipe: TrainingRecipe, sha256s: Sequence[str], ranks: Ranks, observer: Observer
) -> Findings:
    """Looks at the data and measures simpler models; each finding is told as soon as it is known.

    No simpler models are measured where a teacher is learnt from.
    """
    data, metric = job.data, job.evaluator.best_by
    doubted = doubts(data.train, data.held_out)
    warnings = [f"warning: {line}" for line in doubted.lines]
    why = [] if config.train.quick or recipe.why is None else [recipe.why]
    for line in (*data.notes, *warnings, data.in_words(), *why):
        observer.say(line)
    if config.teacher is not None or not ranks.is_first:
        return Findings(doubted, (), sha256s)
    found = baselines_of(data.task.name, data.problem, data.train, data.held_out)
    for one in found:
        if metric in one.measures:
            observer.say(f"for comparison, {one.name}: {metric} {one.measures[metric]:.4f}")
    return Findings(doubted, found, sha256s)


def result_of(folder: Path, job: Job, findings: Findings, finetuned: Finetuned) -> FinetuneResult:
    """What the job came to."""
    data, metric, scores = job.data, job.evaluator.best_by, job.evaluator.scores
    assert scores is not None  # it has been measured
    others = {one.name: one.measures[metric] for one in findings.baselines if metric in one.measures}
    if finetuned.start is not None:
        others[PROBE] = finetuned.start[metric]
    return FinetuneResult(
        folder=folder,
        name=data.task.name,
        finetuned=finetuned,
        best_by=metric,
        known={} if scores.at is None else intervals_of(scores.at, len(data.held_out)),
        counts=scores.counts,
        beside=Beside(metric, len(data.held_out), finetuned.measures[metric], others) if others else None,
        notes=(*data.notes, *findings.doubts.lines),
    )


def files_beside(
    config: FinetuneConfig, job: Job, findings: Findings, result: FinetuneResult, ranks: Ranks
) -> dict[str, str]:
    """What is written beside the weights: the card, and what simpler models reach."""
    data, done = job.data, result.finetuned
    kept_out = ("task.name", "run.directory", "data.train", "data.eval", "model.start", "teacher.start")
    recipe = {name: value for name, value in flat(config).items() if value is not None and name not in kept_out}
    names = [source.name if isinstance(source, RowsInMemory) else Path(source).name for source in all_data(config.data)]
    card = finetuned_card(
        FinetunedFacts(
            name=Path(config.run.directory).resolve().name,
            task=data.task.name,
            labels=data.task.labels,
            start=_start(config),
            teacher=None if config.teacher is None else Path(config.teacher.start).name,
            data=dict(zip(names, findings.sha256s, strict=True)),
            examples=len(data.train),
            held_out=len(data.held_out),
            shared=findings.doubts.shared,
            notes=[_without_folders(line, config) for line in result.notes],
            measures=done.measures,
            intervals={name: (one.low, one.high) for name, one in result.intervals.items()},
            recipe=recipe,
            metric="" if result.beside is None else result.beside.metric,
            beside=result.baselines,
            step=done.step,
            steps=done.steps,
            seconds=done.seconds,
            machine=hardware_in_words(ranks),
            energy=energy_in_words(ranks, done.seconds),
            version=version("bertkit"),
        )
    )
    return {"README.md": card} | ({} if result.beside is None else {BESIDE: result.beside.text()})


def _without_folders(line: str, config: FinetuneConfig) -> str:
    """A line for others to read, to whom a file's place on this machine says nothing."""
    for source in all_data(config.data):
        line = line.replace(source, Path(source).name) if isinstance(source, str) else line
    return line


def _start(config: FinetuneConfig) -> str:
    """What the model was before."""
    if config.model.start is not None:
        return Path(config.model.start).name
    return "the built-in model" if config.teacher is None else "some of its layers"
