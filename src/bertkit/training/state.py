"""All tensors of a run by name, for its checkpoints, and the few numbers that say where it is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Self

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from bertkit.errors import BadCheckpoint
from bertkit.optimisation.ema import RunningMean
from bertkit.optimisation.loss_scale import LossScale
from bertkit.sampling.stream import Position


@dataclass
class Progress:
    """Where a run is.

    Attributes:
        step: steps done.
        position: what of the data comes next.
        tokens, sequences: read so far.
        seconds: spent in training, all sessions of the run together.
        splits: how many times as many micro-batches are made because memory did not suffice.
        skipped: steps that changed nothing because a number was not finite.
        best: the best score on held-out data so far, lower is better; None before the first.
        stale: measurements since then.
        scores: the step and the score of each measurement.
        start: the measures before the first step, where they were taken.
        loss_scale: what the loss is multiplied by, where the run computes in float16.
    """

    step: int = 0
    position: Position = field(default_factory=lambda: Position(0, 0, 0))
    tokens: int = 0
    sequences: int = 0
    seconds: float = 0.0
    splits: int = 1
    skipped: int = 0
    best: float | None = None
    stale: int = 0
    scores: list[tuple[int, float]] = field(default_factory=list)
    start: dict[str, float] | None = None
    loss_scale: LossScale = field(default_factory=LossScale)

    @property
    def score(self) -> float | None:
        """The score of the weights as they are now; None where they have not been measured."""
        return self.scores[-1][1] if self.scores and self.scores[-1][0] == self.step else None

    def measured(self, score: float, measures: dict[str, float]) -> None:
        """Take note of a score on held-out data, of the weights as they are now."""
        self.scores.append((self.step, score))
        if self.step == 0:
            self.start = measures
        if self.best is None or score < self.best:
            self.best, self.stale = score, 0
        else:
            self.stale += 1

    def rising(self) -> tuple[float, float] | None:
        """The last two scores, where the last is better than all before."""
        values = [score for _, score in self.scores]
        return (values[-2], values[-1]) if len(values) > 1 and values[-1] < min(values[:-1]) else None

    def record(self) -> dict[str, object]:
        """As JSON values."""
        return {**asdict(self), "position": self.position.record()}

    @classmethod
    def of(cls, record: Mapping[str, object]) -> Self:
        """From what `record` gave.

        Raises:
            BadCheckpoint: it is something else.
        """
        values: dict[str, Any] = dict(record)
        try:
            position = Position.of(values.pop("position"))
            scale = LossScale(**values.pop("loss_scale", {}))  # a run of before there was one begins with the first
            scores = [(int(step), float(score)) for step, score in values.pop("scores", ())]
            return cls(position=position, loss_scale=scale, scores=scores, **values)
        except (TypeError, KeyError, AttributeError, ValueError) as error:
            raise BadCheckpoint(
                f"the checkpoint's state.json does not say where a run is ({type(error).__name__}: {error})",
                "Remove this checkpoint to go on from the one before it.",
            ) from None


def all_tensors(training_module: nn.Module, optimiser: Optimizer, mean: RunningMean | None) -> dict[str, Tensor]:
    """Weights, the optimiser's state and the running mean, by name: the very tensors, not copies.

    The optimiser's state must be there: `prime` makes it before the first step.
    """
    tensors = {f"model/{name}": tensor for name, tensor in training_module.state_dict().items()}
    names = {parameter: name for name, parameter in training_module.named_parameters()}
    for parameter, name in names.items():
        state = optimiser.state.get(parameter, {})
        tensors |= {f"optimiser/{name}/{key}": value for key, value in state.items() if isinstance(value, Tensor)}
    if mean is not None:
        tensors |= {f"mean/{name}": tensor for name, tensor in mean.state_dict().items()}
    return tensors


@torch.no_grad()
def prime(optimiser: Optimizer) -> None:
    """Makes an optimiser allocate its state, by a step that changes no weight: its gradients and its rates are 0."""
    rates = [group["lr"] for group in optimiser.param_groups]
    for group in optimiser.param_groups:
        group["lr"] = 0.0
        for parameter in group["params"]:
            parameter.grad = torch.zeros_like(parameter)
    optimiser.step()
    optimiser.zero_grad()
    for group, rate in zip(optimiser.param_groups, rates, strict=True):
        group["lr"] = rate
    for state in optimiser.state.values():
        for value in state.values():
            if isinstance(value, Tensor):
                value.zero_()
