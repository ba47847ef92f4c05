"""The processes of a run, and the few numbers that they tell one another. One process is a group of one."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import TypeVar

import torch
import torch.distributed as dist
from torch import Tensor
from torch._C._distributed_c10d import HashStore
from torch.distributed.checkpoint.api import CheckpointException

from bertkit.errors import BertkitError, UserError

Value = TypeVar("Value")
# What one process does while the others wait (looking for negatives, reading checkpoints through) may take hours. A
# process that has died is noticed all the same: its connections close, and torchrun ends the others.
PATIENCE = timedelta(days=30)


@dataclass(frozen=True, slots=True)
class Ranks:
    """This process among those of the run.

    Attributes:
        rank: this one's number, 0 the first.
        count: how many there are.
        device: what this one computes on.
        saving: a group of its own for checkpoints, which are written while training goes on.
        host: the group in which they tell one another numbers; it waits as long as it takes.
    """

    rank: int
    count: int
    device: torch.device
    saving: dist.ProcessGroup | None
    host: dist.ProcessGroup | None = None

    @property
    def is_first(self) -> bool:
        """Whether this process writes what is written once."""
        return self.rank == 0

    def total(self, numbers: Sequence[float]) -> list[float]:
        """Each number summed over all ranks, in float64. Numbers of the host: no device is waited for."""
        sums = torch.tensor(list(numbers), dtype=torch.float64)
        if self.count > 1:
            dist.all_reduce(sums, group=self.host)
        return sums.tolist()

    def sums(self, numbers: Mapping[str, float]) -> dict[str, float]:
        """Each named number summed over all ranks. A rank that had nothing to do need not know the names."""
        if self.count == 1:
            return dict(numbers)
        known: list[list[str]] = [[]] * self.count
        dist.all_gather_object(known, list(numbers), group=self.host)
        names = list(dict.fromkeys(name for each in known for name in each))
        return dict(zip(names, self.total([numbers.get(name, 0.0) for name in names]), strict=True))

    def any(self, flag: bool) -> bool:
        """Whether the flag is up on some rank."""
        return self.total([float(flag)])[0] > 0

    @torch.no_grad()
    def same_as_first(self, tensors: Iterable[Tensor]) -> None:
        """Fills the tensors with what they are on the first rank."""
        if self.count > 1:
            for tensor in tensors:
                dist.broadcast(tensor, src=0)

    def wait(self) -> None:
        """Returns when every rank has come here."""
        self.total([0.0])

    def by_first(self, action: Callable[[], Value]) -> Value:
        """What the action gives on the first rank, which alone does it; the others wait for it, and are told.

        Raises:
            BertkitError: what it raised, on every rank.
        """
        if self.count == 1:
            return action()
        told: list[tuple[Value | None, BertkitError | None]] = [(None, None)]
        if self.is_first:
            try:
                told = [(action(), None)]
            except BertkitError as error:
                told = [(None, error)]
            except Exception as error:
                told = [(None, BertkitError(f"the first process failed: {type(error).__name__}"))]
                self._tell(told)
                raise
        self._tell(told)
        value, problem = told[0]
        if problem is not None:
            raise problem
        return value  # type: ignore[return-value]

    def _tell(self, values: list[Value]) -> None:
        """The first rank's values take the place of the others'."""
        dist.broadcast_object_list(values, 0, group=self.host, device=torch.device("cpu"))


def is_first_process() -> bool:
    """Whether this is the first of the processes that torchrun started, or the only one; asked outside the group."""
    return int(os.environ.get("RANK", "0")) == 0


class LostRank(BertkitError):
    """Another process of the run has ended, and this one cannot go on without it."""

    default_remedy = "Its own message says why; start all processes again, and the run goes on."


@contextmanager
def joined(device: torch.device) -> Iterator[Ranks]:
    """The group of processes that torchrun started, or of this one alone; left again at the end.

    Numbers of the host go through gloo, tensors of a GPU through NCCL, by the same configuration.

    Raises:
        LostRank: another process of it has ended in the middle of the work.
        UserError: this process is in a group that somebody else has made, or in one of another job.
    """
    if dist.is_initialized():
        raise UserError(
            "this process is in a group of torch.distributed already",
            "Do one job at a time, and leave the group first: torch.distributed.destroy_process_group().",
        )
    backend = "cpu:gloo,cuda:nccl" if device.type == "cuda" else "gloo"
    if device.type == "cuda":
        device = torch.device("cuda", int(os.environ.get("LOCAL_RANK", "0")))
        torch.cuda.set_device(device)
    if "RANK" in os.environ and "WORLD_SIZE" in os.environ:
        dist.init_process_group(backend)
    else:
        dist.init_process_group(backend, store=HashStore(), rank=0, world_size=1)
    try:
        saving = dist.new_group(backend="gloo", timeout=PATIENCE)
        host = dist.new_group(backend="gloo", timeout=PATIENCE)
        yield Ranks(dist.get_rank(), dist.get_world_size(), device, saving, host)
    except (RuntimeError, CheckpointException) as error:
        if "/gloo/" in str(error) or isinstance(error, dist.DistError):
            raise LostRank("another process of the run has ended") from error
        raise
    finally:
        dist.destroy_process_group()
