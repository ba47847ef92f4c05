"""What a finished job came to: its model, its measures, and where everything is. A notebook shows each as a table."""

from __future__ import annotations

import math
import shutil
import weakref
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from html import escape
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Self

from bertkit.checkpoints.folders import atomic_folder
from bertkit.errors import InputError
from bertkit.finetuning.recipe import TrainingRecipe
from bertkit.metrics.intervals import Interval
from bertkit.metrics.label_counts import Counts
from bertkit.reports.beside import Beside
from bertkit.reports.page import table
from bertkit.runs.run_folder import RunFolder
from bertkit.runs.run_result import RunResult

if TYPE_CHECKING:
    from bertkit.finetuning.run import Finetuned
    from bertkit.inference.model import Model

OPTIMISTIC = "The best of {count} runs by the examples that they were compared on is better there than on others"
NO_INTERVALS: Mapping[str, Interval] = MappingProxyType({})


@dataclass(frozen=True, repr=False, kw_only=True)
class Trained(ABC):
    """A job that made a model.

    Attributes:
        folder: the run's; the model is in its folder `model`.
        temporary: what keeps the folder there, where nobody named one: it goes with this object and its model.
    """

    folder: Path
    temporary: object = field(default=None, compare=False)

    @property
    @abstractmethod
    def metrics(self) -> Mapping[str, float]:
        """The measures of the held-out data, by their names."""

    @property
    def task(self) -> str | None:
        """The task that the model is loaded for; None for what its head does."""
        return None

    @property
    def intervals(self) -> Mapping[str, Interval]:
        """Where each measure lies with 95 % confidence, for those of which it is known."""
        return NO_INTERVALS

    @cached_property
    def model(self) -> Model:
        """The model, ready to answer; loaded when it is first asked for."""
        from bertkit.inference.model import load

        found = load(self.folder, task=self.task)
        if self.temporary is not None:
            weakref.finalize(found, _let_go, self.temporary)  # holds it as long as the model lives
        return found

    @property
    def report(self) -> str:
        """The model's card, as Markdown: data, recipe, results, hardware.

        Raises:
            InputError: the folder has gone.
        """
        path = RunFolder(self.folder).model / "README.md"
        try:
            return path.read_text(encoding="utf-8")
        except OSError as error:
            raise InputError(f"{path}: cannot be read: {error.strerror}", "Run the job again.") from None

    def save(self, folder: str | Path) -> None:
        """Writes the model, with all that belongs to it, as a folder of its own.

        Raises:
            OutputError: the place cannot be written, or is a folder with something in it.
        """
        with atomic_folder(Path(folder)) as made:
            shutil.copytree(RunFolder(self.folder).model, made, dirs_exist_ok=True)

    def kept_by(self, temporary: object) -> Self:
        """The same, with what keeps its folder there."""
        return replace(self, temporary=temporary)

    def __repr__(self) -> str:
        """What came of it, in a line."""
        name, shown = type(self).__name__, ", ".join(f"{one} {value:.4f}" for one, value in self.metrics.items())
        return f"<bertkit.{name} in {str(self.folder)!r}: {shown or 'nothing was held out'}>"

    def _repr_html_(self) -> str:
        """The same for a notebook: a table of the measures, and lines about the job."""
        lines = "".join(f"<div>{escape(line)}</div>" for line in (*self._lines(), f"folder: {self.folder}"))
        return table(self._header(), self._rows()) + lines

    def _header(self) -> Sequence[str]:
        return ("metric", "value", "95 % interval")

    def _rows(self) -> list[tuple[str, ...]]:
        return [(name, f"{value:.4f}", _ends(self.intervals.get(name))) for name, value in self.metrics.items()]

    def _lines(self) -> list[str]:
        """What else there is to say, a line each."""
        return []


@dataclass(frozen=True, repr=False, kw_only=True)
class PretrainResult(Trained):
    """A pre-trained encoder.

    Attributes:
        measures: of the held-out data, at the end; none where none was held out.
        steps, tokens, seconds: of training, all starts of the run together.
    """

    measures: Mapping[str, float]
    steps: int
    tokens: int
    seconds: float

    @property
    def metrics(self) -> Mapping[str, float]:
        """The measures of the held-out data at the end."""
        return self.measures

    def _lines(self) -> list[str]:
        return [f"{self.steps:,} steps, {self.tokens:,} tokens, {self.seconds:,.0f} s"]


@dataclass(frozen=True, repr=False, kw_only=True)
class FinetuneResult(Trained):
    """A model that has learnt a task.

    Attributes:
        name: of the task.
        finetuned: how far it learnt, by which recipe, and what it measured.
        best_by: the metric that the best checkpoint was chosen by.
        known: the intervals of the metrics.
        counts: of each label or type of entity, where the task has such.
        beside: what simpler models reach; None where nothing was compared.
        notes: how the data was understood, and what is odd in it; a line each.
    """

    name: str
    finetuned: Finetuned
    best_by: str
    known: Mapping[str, Interval]
    counts: Mapping[str, Counts]
    beside: Beside | None
    notes: Sequence[str]

    @property
    def task(self) -> str:
        """The name of the task."""
        return self.name

    @property
    def metrics(self) -> Mapping[str, float]:
        """The metrics of the held-out examples, by the checkpoint that was kept."""
        return self.finetuned.measures

    @property
    def intervals(self) -> Mapping[str, Interval]:
        """Where each metric lies with 95 % confidence, over resampled examples."""
        return self.known

    @property
    def score(self) -> float:
        """What the checkpoint was chosen by; lower is better."""
        return self.finetuned.score

    @property
    def recipe(self) -> TrainingRecipe:
        """How long and how fast it learnt, and why."""
        return self.finetuned.recipe

    @property
    def baselines(self) -> Mapping[str, float]:
        """What simpler models reach in `best_by` on the same examples, by their names."""
        return {} if self.beside is None else self.beside.others

    def _lines(self) -> list[str]:
        done, recipe = self.finetuned, self.recipe
        others = [f"{name}: {self.best_by} {value:.4f}" for name, value in self.baselines.items()]
        why = [] if recipe.why is None else [recipe.why]
        kept = f"the best after step {done.step:,} of {done.steps:,}, at a learning rate of {recipe.learning_rate:.2e}"
        return [*others, *why, kept, *self._endings(), *self.notes]

    def _endings(self) -> list[str]:
        """Whether it ended before its time, or too early."""
        done = self.finetuned
        if done.rising is not None:
            before, last = (f"{abs(score):.4f}" for score in done.rising)
            return [f"the score was still rising: {self.best_by} {before}, then {last}; more epochs may help"]
        if 0 < done.steps < done.planned:
            return [f"ended early, after {done.steps:,} of {done.planned:,} steps: nothing got better any more"]
        return []


@dataclass(frozen=True, repr=False, kw_only=True)
class DistillResult(Trained):
    """A student, beside its teacher on the same texts.

    Attributes:
        student: how it learnt.
        measures: the student's metrics.
        teacher: the teacher's, where there are labels to measure by.
        texts_a_second: how many each of `teacher` and `student` answers; only the first process measures it.
    """

    student: FinetuneResult
    measures: Mapping[str, float]
    teacher: Mapping[str, float]
    texts_a_second: Mapping[str, float]

    @property
    def task(self) -> str:
        """The name of the task."""
        return self.student.name

    @property
    def metrics(self) -> Mapping[str, float]:
        """The student's metrics."""
        return self.measures

    @property
    def intervals(self) -> Mapping[str, Interval]:
        """Where each metric of the student lies with 95 % confidence."""
        return self.student.known

    def _header(self) -> Sequence[str]:
        return ("metric", "value", "95 % interval", "teacher")

    def _rows(self) -> list[tuple[str, ...]]:
        theirs = {name: f"{value:.4f}" for name, value in self.teacher.items()}
        rows = [(*row, theirs.get(row[0], "")) for row in super()._rows()]
        if not self.texts_a_second:
            return rows
        teacher, student = (f"{self.texts_a_second[name]:.1f}" for name in ("teacher", "student"))
        return [*rows, ("texts a second", student, "", teacher)]


@dataclass(frozen=True, repr=False, kw_only=True)
class SweepResult(Trained):
    """Several runs of fine-tuning, and the best one's model.

    Attributes:
        name: of the task.
        runs: each run's result, by its name; each has a folder of that name.
        spread: of each metric over the seeds; empty for a search.
        settings: of each trial of a search; empty for seeds.
        best: the name of the run whose model was kept.
    """

    name: str
    runs: Mapping[str, RunResult]
    spread: Mapping[str, Interval]
    settings: Mapping[str, Mapping[str, float | None]]
    best: str

    @property
    def task(self) -> str:
        """The name of the task."""
        return self.name

    @property
    def metrics(self) -> Mapping[str, float]:
        """Of seeds the means, of a search the best run's."""
        if self.spread:
            return {name: one.value for name, one in self.spread.items()}
        return self.runs[self.best].metrics

    @property
    def intervals(self) -> Mapping[str, Interval]:
        """Student's, over the seeds; none of a search."""
        return self.spread

    @property
    def caution(self) -> str:
        """What to bear in mind of the best run's score."""
        return OPTIMISTIC.format(count=len(self.runs))

    def record(self) -> dict[str, object]:
        """As JSON values."""
        ends = {name: {"deviation": a.deviation, "low": a.low, "high": a.high} for name, a in self.spread.items()}
        more: dict[str, object] = {"intervals": ends} if self.spread else {"settings": self.settings}
        runs = {name: result.metrics for name, result in self.runs.items()}
        return {"metrics": self.metrics, **more, "best": self.best, "runs": runs}

    def _header(self) -> Sequence[str]:
        return ("metric", "mean" if self.spread else f"value of {self.best}", "95 % interval", *self.runs)

    def _rows(self) -> list[tuple[str, ...]]:
        each = [result.metrics for result in self.runs.values()]
        return [(*row, *(f"{metrics.get(row[0], math.nan):.4f}" for metrics in each)) for row in super()._rows()]

    def _lines(self) -> list[str]:
        return [f"the model is that of {self.best}", self.caution]


def _ends(interval: Interval | None) -> str:
    return "" if interval is None else f"{interval.low:.4f} to {interval.high:.4f}"


def _let_go(temporary: object) -> None:
    """The object was held until now."""
