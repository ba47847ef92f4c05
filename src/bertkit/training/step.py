"""One step of training: a global batch, its gradient, one update of the weights.

What is minimised, for objectives o of weight w_o, is a weighted sum of means over the targets of the *global* batch,
which is all that all ranks read in this step:

    L = Σ_o  w_o / C_o · Σ_targets loss        C_o: targets of o in the global batch (masked tokens, sequences, …)

The batch is too large to be computed at once, so each rank has some of it, in micro-batches, and the outer sum is taken
apart: a micro-batch gives the sum of its own losses, times w_o / C_o. Their gradients, added up over micro-batches and
ranks, are exactly the gradient of L. C_o must therefore be known before the first of them is computed: `counts`, then a
sum over the ranks, then `gradient`.

The usual way, the mean of each micro-batch, then the mean of these, is not the same where micro-batches have different
numbers of targets, as they do when batches are filled by tokens: a target in a small one would count more. Here the
number of ranks, and a step done again with smaller micro-batches, change nothing but rounding and dropout.
"""

from __future__ import annotations

import gc
import hashlib
import math
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from itertools import chain

import torch
from torch import Tensor
from torch.optim import Optimizer

from bertkit.batching.training_batch import TrainingBatch
from bertkit.errors import OutOfMemory
from bertkit.model.finite import first_not_finite
from bertkit.model.out_of_memory import ran_out_of_memory
from bertkit.optimisation.gradients import clip, multiply
from bertkit.optimisation.loss_scale import LossScale
from bertkit.optimisation.shards import local_part
from bertkit.training.host_memory import keep_between_steps
from bertkit.training.memory import REMEDY
from bertkit.training.micro_batches import to_device
from bertkit.training.parallelism import Parallelism, trainable
from bertkit.training.ranks import Ranks
from bertkit.training.training_module import TrainingModule, weighted_loss

Sums = dict[str, Tensor]
# What a step computes in from float32 weights, by the name of the run's precision.
AUTOCAST = {"bfloat16": torch.bfloat16, "float16": torch.float16}


@dataclass(frozen=True, slots=True)
class StepResult:
    """What a step did.

    Attributes:
        sums: this rank's sums by objective and measure (`fill-mask/loss`), on the device.
        counts: targets of each objective in the global batch.
        gradient_norm: before clipping, of all ranks' gradient.
        skipped: why the weights were not changed; None where they were, or the loss was scaled too much.
        overflowed: whether the weights were not changed because the loss was scaled too much.
    """

    sums: Sums
    counts: dict[str, float]
    gradient_norm: float
    skipped: str | None
    overflowed: bool = False


class Stepper:
    """Does steps.

    Args:
        weights: of each objective in the loss.
        clip: largest norm of the gradient; None for no limit.
        autocast: compute in this precision from float32 weights; None in that of the weights. In float16 the loss is
            scaled.
        seed: of dropout and of all else that is random in a pass.
    """

    def __init__(
        self,
        training_module: TrainingModule,
        optimiser: Optimizer,
        parallelism: Parallelism,
        ranks: Ranks,
        *,
        weights: Mapping[str, float],
        clip: float | None,
        autocast: torch.dtype | None,
        seed: int,
    ) -> None:
        if ranks.device.type == "cpu":
            keep_between_steps()
        self.training_module = training_module
        self.optimiser = optimiser
        self.parallelism = parallelism
        self.ranks = ranks
        self.weights = weights
        self.clip = clip
        self.autocast = autocast
        self.seed = seed
        self.loss_scale = LossScale() if autocast == torch.float16 else None

    def counts(self, batches: Sequence[TrainingBatch]) -> list[float]:
        """How many targets each objective has in these micro-batches."""
        counts = [0.0] * len(self.training_module.each())  # of a rank that has no micro-batch
        for batch in batches:
            counts = [sum_ + count for sum_, count in zip(counts, self.training_module.counts(batch), strict=True)]
        return counts

    def gradient(self, batches: Sequence[TrainingBatch], counts: Mapping[str, float], step: int) -> Sums | None:
        """Puts the global batch's gradient into the parameters; None, and no gradient, where a rank lacked memory.

        Args:
            batches: this rank's micro-batches.
            counts: targets of each objective over all of them and all ranks.
        """
        # w_o / C_o of the formula above. In float16 times a large number, so that small gradients do not become 0.
        scale = 1.0 if self.loss_scale is None else self.loss_scale.value
        scales = {name: scale * self.weights[name] / max(count, 1.0) for name, count in counts.items()}
        self._begin()
        # After that, nothing waits for another rank until all agree below: one that runs out of memory hangs nobody.
        sums: Sums | None = {}
        try:
            for number, batch in enumerate(batches):
                self._seed(step, number)
                assert sums is not None
                self._add(sums, self._micro(to_device(batch, self.ranks.device), scales))
        except Exception as error:
            if not ran_out_of_memory(error):
                raise
            sums = None
        if self.ranks.any(sums is None):  # all do the step again, or none does
            self._forget()
            return None
        self.parallelism.finish()
        return sums

    def _begin(self) -> None:
        """Makes the weights ready to compute with.

        Ranks may gather them from one another here. One that has no memory for them therefore ends, and the others end
        with it: were it to go on to the next agreement, they would still be waiting for it in this one.

        Raises:
            OutOfMemory: the weights do not fit; smaller micro-batches would not help.
        """
        try:
            self.parallelism.begin()
        except Exception as error:
            if not ran_out_of_memory(error):
                raise
            raise OutOfMemory("the weights that a step computes with do not fit into memory", REMEDY) from error

    def _forget(self) -> None:
        """Lets go of all that the step has made, so that it can be done again in smaller parts."""
        for objective in self.training_module.each():
            objective.forget()
        gc.collect()  # the failed pass's activations, which its traceback held
        self.parallelism.discard()
        if self.ranks.device.type == "cuda":
            torch.cuda.empty_cache()  # cuBLAS and others take their memory beside torch's

    def update(self, sums: Sums, counts: dict[str, float]) -> StepResult:
        """Changes the weights by the gradient that is in them; leaves them where a number of it is not finite.

        Every rank has the same norm, that of the summed gradient, and so decides alike.
        """
        parameters = trainable(self.training_module)
        if self.loss_scale is not None:  # before the norm is taken, so that the limit is of the true gradient
            multiply(parameters, 1.0 / self.loss_scale.value)
        norm = float(clip(parameters, self.clip))  # one NaN or infinity anywhere makes the norm one
        why = None if math.isfinite(norm) else f"the gradient's norm is {norm}{self._blamed()}"
        if why is None:
            self.optimiser.step()
        self.optimiser.zero_grad()
        overflowed = self.loss_scale is not None and self.loss_scale.after(why is None)
        return StepResult(sums, counts, norm, None if overflowed else why, overflowed)

    def _blamed(self) -> str:
        """The first weight, else the first gradient, that this rank has and that is not finite, in words."""
        weights = list(self.training_module.named_parameters())
        gradients = [(f"the gradient of {name}", weight.grad) for name, weight in weights if weight.grad is not None]
        name = first_not_finite((name, local_part(tensor)) for name, tensor in chain(weights, gradients))
        return "" if name is None else f": {name} is not finite"

    def _micro(self, batch: TrainingBatch, scales: Mapping[str, float]) -> Sums:
        with self._precision():
            outputs = self.parallelism.forward(batch)
            loss = weighted_loss(outputs, scales)
        loss.backward()  # type: ignore[no-untyped-call]
        self.parallelism.collect()
        return {f"{name}/{what}": sum_.detach() for name, output in outputs.items() for what, sum_ in output.items()}

    def _precision(self) -> AbstractContextManager[object]:
        if not self.autocast:
            return nullcontext()
        return torch.autocast(self.ranks.device.type, self.autocast)

    def _seed(self, step: int, number: int) -> None:
        """Dropout of a micro-batch depends on where it stands and on nothing before: so a resumed run draws alike."""
        place = f"{self.seed}/{step}/{self.ranks.rank}/{number}".encode()
        torch.manual_seed(int.from_bytes(hashlib.blake2b(place, digest_size=7).digest()))

    @staticmethod
    def _add(sums: Sums, more: Sums) -> None:
        for name, value in more.items():
            sums[name] = sums[name] + value if name in sums else value
