"""What one of two ranks does in test_sharded.py: the same steps with whole and with divided parameters, compared."""

from __future__ import annotations

import os
import sys
from copy import deepcopy

import torch
import torch.distributed as dist
from torch import nn
from torch.distributed.checkpoint.state_dict import (
    StateDictOptions,
    get_optimizer_state_dict,
    set_optimizer_state_dict,
)
from torch.distributed.fsdp import FSDPModule, fully_shard
from torch.distributed.tensor import DTensor

from bertkit.config.training import Optimiser
from bertkit.optimisation.ema import RunningMean
from bertkit.optimisation.gradients import clip
from bertkit.optimisation.optimisers import build_optimiser, set_rate

STEPS = 4


class Block(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.up = nn.Linear(6, 9)  # 9 rows: the ranks have unequal parts
        self.down = nn.Linear(9, 6)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x + self.down(torch.tanh(self.up(x)))


class Whole(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.embeddings = nn.Embedding(11, 6)
        self.layers = nn.ModuleList([Block(), Block()])
        self.head = nn.Linear(6, 1)  # one row: a rank has none of it

    def forward(self, ids: torch.Tensor) -> torch.Tensor:
        x = self.embeddings(ids)
        for layer in self.layers:
            x = layer(x)
        return self.head(x).square().sum()


def divided() -> Whole:
    model = Whole()
    for layer in model.layers:
        fully_shard(layer)
    fully_shard(model)
    return model


def full(tensor: torch.Tensor) -> torch.Tensor:
    return (tensor.full_tensor() if isinstance(tensor, DTensor) else tensor).detach()


def train(model: Whole, optimiser: torch.optim.Optimizer, mean: RunningMean, steps: range) -> list[float]:
    norms = []
    for step in steps:
        set_rate(optimiser, 1 / (1 + step))
        generator = torch.Generator().manual_seed(step)  # all ranks have the same batch
        model(torch.randint(11, (5,), generator=generator)).backward()
        norms.append(float(clip(model.parameters(), 0.5)))
        optimiser.step()
        optimiser.zero_grad()
        mean.update()
    return norms


def assert_equal(one: Whole, other: Whole) -> None:
    for (name, a), b in zip(one.named_parameters(), other.parameters(), strict=True):
        torch.testing.assert_close(
            full(a), full(b), rtol=1e-6, atol=1e-6, msg=lambda text, name=name: f"{name}: {text}"
        )


def check(settings: Optimiser) -> None:
    models = Whole(), divided()
    optimisers = [build_optimiser(model.named_parameters(), settings, 2) for model in models]
    means = [RunningMean(model, 0.9) for model in models]
    one, other = (train(*parts, range(STEPS)) for parts in zip(models, optimisers, means, strict=True))
    torch.testing.assert_close(torch.tensor(one), torch.tensor(other), rtol=1e-6, atol=1e-6)
    assert_equal(*models)
    check_means(models, means)
    check_resumed(models[1], optimisers[1], settings)


def check_means(models: tuple[Whole, Whole], means: list[RunningMean]) -> None:
    ids = torch.arange(5)
    before = float(full(models[1](ids)))
    with means[0].swapped(), means[1].swapped():
        inside = [float(full(model(ids))) for model in models]
    torch.testing.assert_close(inside[0], inside[1], rtol=1e-5, atol=1e-6)
    assert inside[1] != before
    assert float(full(models[1](ids))) == before, "a copy gathered inside stayed"
    assert_equal(*models)


def check_resumed(model: FSDPModule, optimiser: torch.optim.Optimizer, settings: Optimiser) -> None:
    model.reshard()  # after a forward pass alone, FSDP2 shows gathered parameters, which the optimiser does not know
    options = StateDictOptions(flatten_optimizer_state_dict=True)
    state = deepcopy(get_optimizer_state_dict(model, optimiser, options=options))
    assert isinstance(state["state.embeddings.weight.exp_avg"], DTensor)
    again = divided()
    again.load_state_dict(model.state_dict())
    resumed = build_optimiser(again.named_parameters(), settings, 2)
    set_optimizer_state_dict(again, resumed, state, options=options)
    for some, its in ((model, optimiser), (again, resumed)):
        train(some, its, RunningMean(some, 0.9), range(STEPS, STEPS + 2))
    for a, b in zip(model.parameters(), again.parameters(), strict=True):
        assert torch.equal(full(a), full(b))


def main() -> None:
    dist.init_process_group("gloo")
    torch.set_num_threads(1)
    try:
        for name in os.environ["OPTIMISERS"].split():
            check(Optimiser.model_validate({"name": name, "learning_rate": 0.01, "layer_decay": 0.8}))
            print(f"rank {dist.get_rank()}: {name} agrees", flush=True)
        dist.barrier()  # nobody leaves while another still works: rarely one was then aborted at its end
    finally:
        dist.destroy_process_group()


if __name__ == "__main__":
    main()
    sys.stdout.flush()
    os._exit(0)  # torch's caches keep the groups' threads, and one at work while Python ends aborts the process
