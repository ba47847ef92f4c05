"""How several processes ("ranks", one a device) work on one step. The model is written for one device; this is put on
from outside.

Two ways. `DataParallel`: each rank has the whole model and a part of the batch. `FullySharded` is FSDP2:
between steps each rank keeps only its part of the weights and of the optimiser's state.

The loss is a sum over all targets, divided by their number in the whole global batch (see `step.py`). So the gradient
is the plain sum of what the ranks computed, never their mean: a rank with fewer targets counts for less, as it should.

In both ways a step goes

    each rank computes the gradients of its micro-batches, and talks to nobody
    all ranks agree that none of them ran out of memory
    gradients are summed over the ranks, once

What that is for: an operation between ranks waits until all of them take part. torch's DDP sums each layer's gradient
during the backward pass, and FSDP2 by default fetches each layer's weights during the forward pass. If one rank runs
out of memory in the middle, the others wait for it there, for ever. Here nobody waits within a pass, so a rank may
fail, say so at the agreement, and all do the step again with smaller micro-batches. For the same reason ranks may have
different numbers of micro-batches. The price is that summing does not overlap with computing.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence

import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch.distributed.device_mesh import DeviceMesh
from torch.distributed.fsdp import FSDPModule, MixedPrecisionPolicy, fully_shard

from bertkit.batching.training_batch import TrainingBatch
from bertkit.model.embeddings import Embeddings
from bertkit.model.linear import LastLinear, last_weights
from bertkit.training.table_gradient import TableGradient
from bertkit.training.training_module import Outputs, TrainingModule

BUCKET_ELEMENTS = 2**24  # of gradients summed in one call: few calls, and little memory for the copy


class Parallelism(ABC):
    """The order of calls in a step: `begin`, then `forward`, a backward pass and `collect` for each micro-batch, then
    either `finish` or, when a rank has failed, `discard` on all of them."""

    @abstractmethod
    def begin(self) -> None:
        """Make the weights ready to compute with."""

    @abstractmethod
    def forward(self, batch: TrainingBatch) -> Outputs:
        """The training module's outputs for a micro-batch."""

    @abstractmethod
    def collect(self) -> None:
        """Take up the gradients of a micro-batch."""

    @abstractmethod
    def finish(self) -> None:
        """Sum gradients over the ranks; they are then in `parameter.grad`."""

    @abstractmethod
    def discard(self) -> None:
        """Forget all gradients of the step, however far it came."""

    @abstractmethod
    def end(self) -> None:
        """Leave off after `begin` and any number of `forward` without a gradient, as an evaluation does."""


class DataParallel(Parallelism):
    """Every rank holds all of the model, and gradients are summed over ranks (data parallel).

    Args:
        half: compute with bfloat16 copies of the weights, made once a step; the model's own stay float32. The last
            layers of heads are computed with as they are.
    """

    def __init__(self, training_module: TrainingModule, ranks: int, *, half: bool = False) -> None:
        self._training_module = training_module
        self._ranks = ranks
        self._weights = list(training_module.parameters())
        exact = {*last_weights(training_module)}
        self._halved = [weight for weight in self._weights if half and weight not in exact]
        self._copies: list[nn.Parameter] = []  # of these in their order, while they are in their place
        # The token table's gradient is kept as the few rows that were read, but only where there are no other ranks:
        # sums over ranks are of dense tensors.
        on_cpu = ranks == 1 and all(weight.device.type == "cpu" for weight in self._weights)
        self._tables = (
            [part.token for part in training_module.modules() if isinstance(part, Embeddings)] if on_cpu else []
        )
        self._table_gradients = {table.weight: TableGradient() for table in self._tables}

    def begin(self) -> None:
        """Puts copies in the place of the weights where copies are computed with.

        They stay there until the step ends: a layer that is recomputed for its gradient needs them then.
        """
        self._give_rows(True)
        if self._halved:
            self._copies = [nn.Parameter(weight.detach().bfloat16(), weight.requires_grad) for weight in self._halved]
            _replace(self._training_module, self._halved, self._copies)

    def forward(self, batch: TrainingBatch) -> Outputs:
        """With the copies, or the weights themselves."""
        return self._training_module(batch)  # type: ignore[no-any-return]

    @torch.no_grad()
    def collect(self) -> None:
        """Adds the copies' gradients to the weights' in float32.

        After each micro-batch: bfloat16 has 8 bits of precision, so that a sum of many micro-batches in it would lose
        the small ones.
        """
        for weight, copy in zip(self._halved, self._copies, strict=False):
            if copy.grad is not None:
                weight.grad = copy.grad.float() if weight.grad is None else weight.grad.add_(copy.grad)
                copy.grad = None
        for table, rows in self._table_gradients.items():
            if table.grad is not None and table.grad.is_sparse:
                rows.add(table.grad)
                table.grad = None

    @torch.no_grad()
    def finish(self) -> None:
        """Sums gradients over ranks, many tensors at a time."""
        self.end()
        for table, rows in self._table_gradients.items():
            summed = rows.end()
            if summed is not None:
                table.grad = summed if table.grad is None else table.grad.add_(summed)
        for weight in self._weights:
            if weight.requires_grad and weight.grad is None:
                weight.grad = torch.zeros_like(weight)  # every rank must sum the same tensors
        if self._ranks > 1:
            # Into one flat tensor, summed, and back: one call for many small gradients rather than one for each.
            gradients = [weight.grad for weight in self._weights if weight.grad is not None]
            for bucket in _buckets(gradients, BUCKET_ELEMENTS):
                flat = torch.cat([gradient.flatten() for gradient in bucket])
                dist.all_reduce(flat)
                for gradient, summed in zip(bucket, flat.split([g.numel() for g in bucket]), strict=True):  # type: ignore[no-untyped-call]
                    gradient.copy_(summed.view_as(gradient))

    def end(self) -> None:
        """Puts the weights back, and drops the copies."""
        self._give_rows(False)
        if self._copies:
            _replace(self._training_module, self._copies, self._halved)
            self._copies = []

    def discard(self) -> None:
        """Drops gradients and copies."""
        self.end()
        for rows in self._table_gradients.values():
            rows.end()
        self._training_module.zero_grad()

    def _give_rows(self, rows: bool) -> None:
        """Whether look-ups in the token tables have sparse gradients."""
        for table in self._tables:
            table.sparse = rows


class FullySharded(Parallelism):
    """Weights, gradients and the optimiser's state are divided among ranks (FSDP2, `fully_shard`).

    Weights are whole on each rank during a step, for what the top of this file says; between steps each keeps its part.
    So a step needs memory for all weights and all gradients, and what is saved is the optimiser's state, which for
    AdamW is twice the weights, and the float32 weights where `half` computes in bfloat16.

    Args:
        training_module: its parameters become `DTensor`s.
        mesh: of one dimension, or of two for groups that share among themselves and are copies of one another.
        half: compute in bfloat16, the last layers of heads in float32, as `DataParallel`; sum gradients in float32.
        tiny: a micro-batch of a few tokens, for `finish`.
    """

    def __init__(
        self, training_module: TrainingModule, mesh: DeviceMesh, *, half: bool, tiny: Callable[[], TrainingBatch]
    ) -> None:
        policy = MixedPrecisionPolicy()
        if half:
            policy = MixedPrecisionPolicy(torch.bfloat16, reduce_dtype=torch.float32, cast_forward_inputs=False)
            # Divided by themselves, they have their own precision. Inner modules come first: outer ones take the rest.
            for last in [part for part in training_module.modules() if isinstance(part, LastLinear)]:
                fully_shard(last, mesh=mesh, mp_policy=MixedPrecisionPolicy(), reshard_after_forward=False)
        for layer in training_module.encoder.layers:
            fully_shard(layer, mesh=mesh, mp_policy=policy, reshard_after_forward=False)
        fully_shard(training_module, mesh=mesh, mp_policy=policy, reshard_after_forward=False)
        assert isinstance(training_module, FSDPModule)
        self._root: FSDPModule = training_module
        self._training_module = training_module
        self._tiny = tiny
        for part in self._parts():
            part.set_gradient_divide_factor(1.0)  # the loss is divided by all ranks' targets already
            part.set_force_sum_reduction_for_comms(True)  # gloo has no other

    def begin(self) -> None:
        """Gathers all weights, and has backward passes add up gradients on each rank alone."""
        self._root.set_requires_gradient_sync(False)
        self._root.set_reshard_after_backward(False)
        for module in self._parts():  # all at once and now, when every rank is here: later a pass would fetch them
            module.unshard()

    def forward(self, batch: TrainingBatch) -> Outputs:
        """The outputs, computed on this rank alone."""
        return self._training_module(batch)  # type: ignore[no-any-return]

    def collect(self) -> None:
        """Gradients add up by themselves."""

    def finish(self) -> None:
        """Sums the gradients, each rank keeping its part, and lets the whole weights go.

        FSDP2 sums what has been added up only at the end of a backward pass that is allowed to. So there is one more
        pass, over a few tokens, whose loss is multiplied by 0: it adds nothing, and sets off the sum. Every rank does
        it, also one that had no micro-batch.
        """
        self._root.set_requires_gradient_sync(True)
        self._root.set_reshard_after_backward(True)
        outputs = self._training_module(self._tiny())
        torch.stack([output["loss"] for output in outputs.values()]).sum().mul(0.0).backward()  # type: ignore[no-untyped-call]

    def end(self) -> None:
        """Lets the whole weights go."""
        for module in self._parts():
            module.reshard()

    def discard(self) -> None:
        """Sums what is there, as the only way to empty it, and drops it."""
        self._root.reset_iter_state()  # a rank that failed may have stopped in the middle of a pass
        self.finish()
        self._training_module.zero_grad()

    def _parts(self) -> list[FSDPModule]:
        return [module for module in self._training_module.modules() if isinstance(module, FSDPModule)]


def _replace(module: nn.Module, old: Sequence[nn.Parameter], new: Sequence[nn.Parameter]) -> None:
    """Puts each new parameter wherever in the module the old one is: some are in several places; others stay."""
    places = dict(zip(old, new, strict=True))
    for part in module.modules():
        for name, parameter in list(part.named_parameters(recurse=False, remove_duplicate=False)):
            setattr(part, name, places.get(parameter, parameter))


def _buckets(tensors: Sequence[Tensor], elements: int) -> Iterator[list[Tensor]]:
    """The tensors in order, neighbours together up to so many elements."""
    bucket: list[Tensor] = []
    for tensor in tensors:
        if bucket and sum(t.numel() for t in bucket) + tensor.numel() > elements:
            yield bucket
            bucket = []
        bucket.append(tensor)
    if bucket:
        yield bucket


def trainable(module: nn.Module) -> list[nn.Parameter]:
    """The parameters that are trained."""
    return [parameter for parameter in module.parameters() if parameter.requires_grad]
