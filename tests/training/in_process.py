"""A run inside the process of the tests, where its parts can be replaced and its gradients looked at."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import cast

import torch
from torch import Tensor

from bertkit.config.training_file import load_config
from bertkit.pretraining.run import Corpus, train
from bertkit.runs.results import whole
from bertkit.training.observer import Record
from bertkit.training.ranks import Ranks, joined
from bertkit.training.session import Session
from bertkit.training.step import Stepper, StepResult, Sums
from tests.training.runs import write_file

CPU = torch.device("cpu")
SMOOTH = ("model.encoder.hidden_dropout=0.0", "model.encoder.attention_dropout=0.0", "train.precision=float32")


@dataclass
class Outcome:
    """What came of a run.

    Attributes:
        gradients: before clipping, of each step, whole and by parameter.
        weights: after each step.
        started: the step that it went on from.
    """

    directory: Path
    records: list[Record] = field(default_factory=list)
    said: list[str] = field(default_factory=list)
    gradients: list[dict[str, Tensor]] = field(default_factory=list)
    weights: list[dict[str, Tensor]] = field(default_factory=list)
    started: int = -1
    finished: bool = False
    error: Exception | None = None

    def on_record(self, record: Record) -> None:
        self.records.append(record)

    def of(self, key: str) -> list[Record]:
        """The records that have a key."""
        return [record for record in self.records if key in record]

    def losses(self) -> list[float]:
        return [cast(float, record["loss"]) for record in self.of("loss")]

    def begin(self, step: int) -> None:
        self.started = step


def run_here(
    data: Path,
    directory: Path,
    *sets: str,
    more: str = "",
    stop_after: int | None = None,
    stopping: Callable[[], bool] | None = None,
    ranks: Ranks | None = None,
    device: torch.device = CPU,
) -> Outcome:
    """A run without dropout, on one process or those of torchrun; an error of it is kept, not raised.

    Args:
        sets: changes to the run's file.
        more: what is written at the end of the file.
        stop_after: it is asked to stop when so many records of steps have been made.
        stopping: whether it is asked to, otherwise.
        ranks: the group, where it has been joined already: torchrun's can be joined once only.
    """
    config = load_config(write_file(data, directory, more), [*SMOOTH, *sets])
    outcome = Outcome(directory)
    for folder in ("checkpoints", "skipped"):
        (directory / folder).mkdir(parents=True, exist_ok=True)
    with nullcontext(ranks) if ranks else joined(device) as group, _watched(outcome):
        try:
            stop = stopping or (lambda: stop_after is not None and len(outcome.of("loss")) >= stop_after)
            session = Session(group, directory, [outcome], outcome.begin, stop, outcome.said.append)
            outcome.finished = train(config, Corpus.open(config.data), session) is not None
        except Exception as error:
            outcome.error = error
    return outcome


@contextmanager
def _watched(outcome: Outcome) -> Iterator[None]:
    """Looks at the gradients before each update and at the weights after it."""
    update = Stepper.update

    def looked_at(stepper: Stepper, sums: Sums, counts: dict[str, float]) -> StepResult:
        named = list(stepper.training_module.named_parameters())
        outcome.gradients.append({name: whole(p.grad).clone() for name, p in named if p.grad is not None})
        done = update(stepper, sums, counts)
        outcome.weights.append({name: whole(p).clone() for name, p in named})
        return done

    Stepper.update = looked_at  # type: ignore[method-assign]
    try:
        yield
    finally:
        Stepper.update = update  # type: ignore[method-assign]


def worst_difference(found: dict[str, Tensor], expected: dict[str, Tensor]) -> float:
    """The largest difference of two sets of gradients, as a share of the largest entry of the second."""
    assert set(found) == set(expected)
    largest = max(float(gradient.abs().max()) for gradient in expected.values())
    differences = [float((found[name] - gradient).abs().max()) for name, gradient in expected.items()]
    return max(differences) / largest


def assert_same_weights(found: dict[str, Tensor], expected: dict[str, Tensor]) -> None:
    """Bit by bit."""
    assert set(found) == set(expected)
    for name, weight in expected.items():
        assert torch.equal(found[name], weight), name
