"""Held-out data: the same sequences and masks at every evaluation."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Protocol

import torch

from bertkit.batching.grouping import balance_by_tokens
from bertkit.batching.packed import GlobalBatch
from bertkit.batching.training_batch import TrainingBatch
from bertkit.model.finite import not_finite, weights_of
from bertkit.objectives.masked_lm import MaskedLM
from bertkit.optimisation.shards import local_part
from bertkit.training.micro_batches import as_tensors, to_device
from bertkit.training.parallelism import Parallelism
from bertkit.training.ranks import Ranks
from bertkit.training.training_module import TrainingModule

Measures = dict[str, float]
PSEUDO_PERPLEXITY = "pseudo_perplexity"


class Evaluator(Protocol):
    """Measures a model on held-out data.

    Attributes:
        best_by: the measure that the best checkpoint is chosen by.
        best_possible: the score that none is better than.
    """

    best_by: str
    best_possible: float

    def measure(self, training_module: TrainingModule, parallelism: Parallelism) -> Measures:
        """The measures by name. All ranks call this."""
        ...

    def score(self, measures: Measures) -> float:
        """The one number that the best checkpoint is chosen by: lower is better."""
        ...


@contextmanager
def evaluating(training_module: TrainingModule, parallelism: Parallelism) -> Iterator[None]:
    """The model as it answers: nothing is dropped, and every rank's weights are where forward passes need them.

    Afterwards it is as it was before, in training or not.
    """
    training = training_module.training
    training_module.eval()
    parallelism.begin()
    try:
        yield
    finally:
        parallelism.end()
        training_module.train(training)


class LossEvaluator:
    """Measures a model on held-out sequences, by the losses that it learns by.

    Args:
        batches: masked as in training.
        one_mask: the same sequences with one mask in each, at a random place: how well a token is predicted from all
            others, of which exp(mean loss) is the pseudo-perplexity (Salazar et al. 2019, arXiv 1910.14659), here over
            one token a sequence. Empty where masked tokens are not learnt.
        weights: of the objectives, for the one number that the best checkpoint is chosen by.
    """

    best_by = "loss"
    best_possible = 0.0

    def __init__(
        self,
        batches: Sequence[GlobalBatch],
        one_mask: Sequence[GlobalBatch],
        weights: Mapping[str, float],
        ranks: Ranks,
        micro_batch_tokens: int,
    ) -> None:
        self._batches = _share(batches, ranks, micro_batch_tokens)
        self._one_mask = _share(one_mask, ranks, micro_batch_tokens)
        self._has_one_mask = bool(one_mask)
        self._weights = weights
        self._ranks = ranks

    def measure(self, training_module: TrainingModule, parallelism: Parallelism) -> Measures:
        """Loss and accuracy of every objective, `loss` of all together, and the pseudo-perplexity.

        Raises:
            NotFinite: one is NaN or infinite; every rank raises it.
        """
        measures = self._means(training_module, parallelism, self._batches)
        measures["loss"] = sum(weight * measures[f"{name}/loss"] for name, weight in self._weights.items())
        if self._has_one_mask:
            alone = self._means(training_module, parallelism, self._one_mask)
            measures[PSEUDO_PERPLEXITY] = math.exp(min(alone[f"{MaskedLM.name}/loss"], 700.0))
        return measures

    def score(self, measures: Measures) -> float:
        """The loss."""
        return measures[self.best_by]

    @torch.no_grad()
    def _means(
        self, training_module: TrainingModule, parallelism: Parallelism, batches: Mapping[int, TrainingBatch]
    ) -> Measures:
        sums: Measures = {}
        with evaluating(training_module, parallelism), torch.random.fork_rng(_accelerators(self._ranks.device)):
            for number, batch in batches.items():
                torch.manual_seed(number)  # what an objective draws, it draws alike each time and on any rank
                outputs = parallelism.forward(to_device(batch, self._ranks.device))
                for (name, output), count in zip(outputs.items(), training_module.counts(batch), strict=True):
                    values = {"targets": float(count)} | {measure: float(value) for measure, value in output.items()}
                    for measure, value in values.items():
                        sums[f"{name}/{measure}"] = sums.get(f"{name}/{measure}", 0.0) + value
        found = means(self._ranks.sums(sums))
        odd = next((name for name, value in found.items() if not math.isfinite(value)), None)
        if odd is not None:
            weights = weights_of(encoder=training_module.encoder, objectives=training_module.objectives)
            raise not_finite(f"held-out {odd}", ((name, local_part(weight)) for name, weight in weights))
        return found


def _accelerators(device: torch.device) -> list[torch.device]:
    """The device whose random numbers are to be left as they are, besides the host's."""
    return [] if device.type == "cpu" else [device]


def _share(batches: Sequence[GlobalBatch], ranks: Ranks, micro_batch_tokens: int) -> dict[int, TrainingBatch]:
    """This rank's micro-batches, by their number among those of all ranks: every so many'th.

    Ranks may have different numbers of them, and some none, for none waits for another.
    """
    groups = [
        (batch, group)
        for batch in batches
        for group in balance_by_tokens(
            batch.lengths, min(len(batch.lengths), math.ceil(sum(batch.lengths) / micro_batch_tokens))
        )
    ]
    mine = list(enumerate(groups))[ranks.rank :: ranks.count]
    return {number: as_tensors(batch.pack(group)) for number, (batch, group) in mine}


def means(sums: Mapping[str, float]) -> Measures:
    """Sums by objective and measure, each divided by the objective's `targets`; `correct` is called `accuracy`."""
    measures: Measures = {}
    for key, value in sums.items():
        name, measure = key.rsplit("/", 1)
        if measure != "targets":
            measure = {"correct": "accuracy"}.get(measure, measure)
            measures[f"{name}/{measure}"] = value / max(sums[f"{name}/targets"], 1.0)
    return measures
