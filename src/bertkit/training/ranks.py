"""The processes of a run, and the few numbers that they tell one another. One process is a group of one."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import torch
import torch.distributed as dist
from torch import Tensor
from torch._C._distributed_c10d import HashStore


@dataclass(frozen=True, slots=True)
class Ranks:
    """This process among those of the run.

    Attributes:
        rank: this one's number, 0 the first.
        count: how many there are.
        device: what this one computes on.
        saving: a group of its own for checkpoints, which are written while training goes on.
    """

    rank: int
    count: int
    device: torch.device
    saving: dist.ProcessGroup | None

    @property
    def is_first(self) -> bool:
        """Whether this process writes what is written once."""
        return self.rank == 0

    def total(self, numbers: Sequence[float]) -> list[float]:
        """Each number summed over all ranks, in float64. Numbers of the host: no device is waited for."""
        sums = torch.tensor(list(numbers), dtype=torch.float64)
        if self.count > 1:
            dist.all_reduce(sums)
        return sums.tolist()

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
        if self.count > 1:
            dist.barrier()


@contextmanager
def joined(device: torch.device) -> Iterator[Ranks]:
    """The group of processes that torchrun started, or of this one alone; left again at the end.

    Numbers of the host go through gloo, tensors of a GPU through NCCL, by the same configuration.
    """
    backend = "cpu:gloo,cuda:nccl" if device.type == "cuda" else "gloo"
    if device.type == "cuda":
        device = torch.device("cuda", int(os.environ.get("LOCAL_RANK", "0")))
        torch.cuda.set_device(device)
    if "RANK" in os.environ and "WORLD_SIZE" in os.environ:
        dist.init_process_group(backend)
    else:
        dist.init_process_group(backend, store=HashStore(), rank=0, world_size=1)
    try:
        yield Ranks(dist.get_rank(), dist.get_world_size(), device, dist.new_group(backend="gloo"))
    finally:
        dist.destroy_process_group()
