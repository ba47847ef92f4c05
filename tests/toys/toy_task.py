"""A task in one file: how loud is a text? A number from 0 (whispered) to 1 (shouted), learnt from labelled rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from torch import Tensor, nn
from torch.nn import functional

from bertkit.batching.training_batch import TrainingBatch
from bertkit.config.readout import Readout
from bertkit.families.labels import Problem
from bertkit.formats.rows import Row
from bertkit.labelled.examples import Example
from bertkit.labelled.find_columns import Columns
from bertkit.labelled.label_values import as_number, as_text
from bertkit.labelled.row_format import TABLES, RowFormat, one_by_one
from bertkit.metrics.error_analysis import AnswerAnalysis
from bertkit.metrics.results import Prediction as Record
from bertkit.metrics.results import number
from bertkit.metrics.task_scores import Names, Scores, mean_scores
from bertkit.model.encoder import Encoder
from bertkit.model.heads import Head
from bertkit.objectives.contract import TaskTraining, TrainingOptions, ids_and_segments
from bertkit.objectives.objective import Loss, Objective
from bertkit.sampling.sample_stream import Sample
from bertkit.tasks.contract import Outcome, Reading, Result, Task
from bertkit.tasks.scoring import mean_logits, sigmoid
from bertkit.tasks.spec import TaskSpec
from bertkit.tokenization.windows import Encoded

NAME = "loudness"


@dataclass(frozen=True, kw_only=True)
class Loudness(Result):
    loudness: float

    def answer(self) -> dict[str, object]:
        return {"loudness": self.loudness}


class LoudnessTask(Task):
    """Reads a text, and says how loud it is."""

    name: ClassVar[str] = NAME
    fields: ClassVar[tuple[str, ...]] = ("text",)
    head_name: ClassVar[str | None] = "text-classification"
    classes = 1

    @property
    def readout(self) -> Readout:
        return Readout("sequence", self.head_name, self.classes)

    @classmethod
    def suits(cls, config: Mapping[str, object], rows: int) -> bool:
        return False

    def decode(self, outcomes: Sequence[Outcome], reading: Reading) -> Loudness:
        (outcome,) = outcomes
        return Loudness(loudness=float(sigmoid(mean_logits(outcome))[0]), reading=reading)


class LoudRows:
    """A row of labelled data: `text`, and `db`, a number."""

    def __init__(self, columns: Columns) -> None:
        self.text, self.db = columns.need("text"), columns.need("db")

    def __call__(self, row: Row) -> tuple[dict[str, object], float]:
        text = as_text(row.fields.get(self.text), row.place, "text")
        return {"text": text}, as_number(row.fields.get(self.db), row.place, "db")


class LoudObjective(Objective):
    """Binary cross entropy with a soft target."""

    name: ClassVar[str] = NAME
    head_name: ClassVar[str | None] = "text-classification"

    def __init__(self, head: Head) -> None:
        super().__init__()
        self.head: Head = head

    def count(self, batch: TrainingBatch) -> int:
        return len(batch.targets["loud_B"])

    def forward(self, encoder: Encoder, hidden_TW: Tensor, batch: TrainingBatch) -> Loss:
        logits_B = self.head(hidden_TW, batch.tokens.layout, encoder)[:, 0].float()
        loud_B = batch.targets["loud_B"]
        return Loss(functional.binary_cross_entropy_with_logits(logits_B, loud_B, reduction="sum"))


class LoudLearning(TaskTraining):
    def samples(self, example: Example, encoded: Sequence[Encoded]) -> list[Sample]:
        target = {"loud_B": np.array([example.target], np.float32)}
        return [Sample(*ids_and_segments([window]), target) for window in encoded[0].windows]

    def objective(self, head: nn.Module | None) -> LoudObjective:
        assert isinstance(head, Head)
        return LoudObjective(head)


def learning(task: Task, options: TrainingOptions) -> TaskTraining:
    return LoudLearning()


def scores(
    problem: Problem | None, results: Sequence[Record], examples: Sequence[Example], names: Names = ()
) -> Scores:
    right = [
        float((number(result, "loudness") > 0.5) == (float(str(example.target)) > 0.5))
        for result, example in zip(results, examples, strict=True)
    ]
    return mean_scores({"heard": np.array(right)})


def errors(problem: Problem | None, results: Sequence[Record], examples: Sequence[Example]) -> list[AnswerAnalysis]:
    found = []
    for result, example in zip(results, examples, strict=True):
        said, right = number(result, "loudness"), float(str(example.target))
        found.append(AnswerAnalysis(f"{right:g}", f"{said:.2f}", float(abs(said - right) > 0.5), abs(said - right)))
    return found


SPEC = TaskSpec(
    NAME,
    kind=LoudnessTask,
    rows=RowFormat(TABLES, ("text", "db", "id"), one_by_one(LoudRows)),
    objective=learning,
    scorer=scores,
    errors=errors,
    error={None: "share of texts that were misheard"},
    best_by={None: "heard"},
    records=("loudness",),
)
