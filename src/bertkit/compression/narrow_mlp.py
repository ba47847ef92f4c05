"""A model whose MLPs are narrower: of each the numbers go that add least to what comes out of it.

How much one adds is its mean size on some texts, times the length of what the second layer makes of it. What it adds on
average stays, in the second layer's bias. All MLPs are as narrow, which is what a `config.json` can say.

Shapes: `T` tokens, `F` numbers between the two layers of an MLP.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace

import torch
from torch import Tensor, nn

from bertkit.checkpoints.stored import StoredTensors
from bertkit.compression.int8_form import check_floating
from bertkit.errors import UserError
from bertkit.model.network import Network
from bertkit.pretrained.checkpoint import Pretrained

State = dict[str, Tensor]


@dataclass(slots=True)
class Passed:
    """What went between the two layers of an MLP.

    Attributes:
        tokens: that it was seen for.
        sum_F: of each number.
        size_F: of each number without its sign.
    """

    tokens: int
    sum_F: Tensor
    size_F: Tensor


def check_can_narrow(pretrained: Pretrained, width: int) -> None:
    """Sees that a checkpoint's MLPs can be as narrow.

    Raises:
        UserError: they are already, its weights are int8, or it is more than one encoder.
    """
    check_floating(pretrained, "narrower MLPs")
    now = pretrained.config.ffn_width
    if width >= now:
        raise UserError(f"MLPs of {width:,} numbers, and the model's have {now:,}", f"Choose fewer than {now:,}.")


@contextmanager
def between_layers(network: Network) -> Iterator[Mapping[str, Passed]]:
    """Gives what goes between the layers of the MLPs until the block ends, by their names."""
    seen: dict[str, Passed] = {}

    def look(name: str, x_TF: Tensor) -> None:
        one = seen.setdefault(name, Passed(0, torch.zeros(x_TF.shape[-1]), torch.zeros(x_TF.shape[-1])))
        one.tokens += len(x_TF)
        one.sum_F += x_TF.float().sum(dim=0)
        one.size_F += x_TF.float().abs().sum(dim=0)

    def watch(name: str, module: nn.Module) -> torch.utils.hooks.RemovableHandle:
        return module.register_forward_pre_hook(lambda module, inputs: look(name.removesuffix(".down"), inputs[0]))

    hooks = [watch(name, part) for name, part in network.encoder.named_modules() if name.endswith(".mlp.down")]
    try:
        yield seen
    finally:
        for hook in hooks:
            hook.remove()


def narrowed(pretrained: Pretrained, seen: Mapping[str, Passed], width: int) -> Pretrained:
    """The checkpoint with MLPs of so many numbers."""
    state = dict(pretrained.build_encoder().state_dict())
    for name, passed in seen.items():
        narrow(state, name, passed, width)
    config = pretrained.config.model_copy(update={"ffn_width": width})
    foreign = replace(pretrained.foreign, encoder=config)
    made = replace(pretrained, foreign=foreign, config=config)
    rows = pretrained.family.encoder
    old = {name for row in pretrained.table(rows) for name in (*row.theirs, *row.aliases)}
    tensors = {name: tensor for name, tensor in pretrained.tensors.items() if name not in old}
    return replace(made, tensors=StoredTensors.of(tensors | made.table(rows).to_theirs(state)))


def narrow(state: State, name: str, passed: Passed, width: int) -> None:
    """One MLP of an encoder's state, in its place."""
    up, down, bias = f"{name}.up.weight", f"{name}.down.weight", f"{name}.down.bias"
    adds_F = passed.size_F * state[down].float().norm(dim=0)
    order_F = adds_F.argsort(descending=True, stable=True)
    kept, dropped = order_F[:width].sort().values, order_F[width:]
    if bias in state:
        mean_F = passed.sum_F / max(passed.tokens, 1)
        more = state[down][:, dropped].float() @ mean_F[dropped]
        state[bias] = (state[bias].float() + more).to(state[bias].dtype)
    state[down] = state[down][:, kept].contiguous()
    for part in (up, f"{name}.up.bias"):
        if part in state:  # of a gated MLP what is multiplied stands behind what multiplies
            halves = torch.split(state[part], len(adds_F))
            state[part] = torch.cat([half[kept] for half in halves])
