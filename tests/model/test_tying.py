from __future__ import annotations

import pytest
import torch
from torch import nn
from torch.func import functional_call

from bertkit.model.tying import tie


def make_pair() -> nn.ModuleDict:
    return nn.ModuleDict({name: nn.Sequential(nn.Linear(3, 5), nn.LayerNorm(5)) for name in ("first", "second")})


def test_parameters_are_one_and_named_once() -> None:
    pair = make_pair()
    first, second = pair.values()
    tie(second, first)
    assert [id(p) for p in first.parameters()] == [id(p) for p in second.parameters()]
    assert all(name.startswith("first.") for name, _ in pair.named_parameters())
    x = torch.randn(2, 3)
    (first(x).sum() + second(x).square().sum()).backward()
    assert torch.equal(first(x), second(x))


def test_a_call_with_other_tensors_leaves_them_tied() -> None:
    class Pair(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.pair = make_pair()

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            first, second = self.pair.values()
            return first(x) + second(x)  # type: ignore[no-any-return]

    module = Pair()
    first, second = module.pair.values()
    tie(second, first)
    before = list(first.parameters())
    copies = {name: torch.zeros_like(parameter) for name, parameter in module.named_parameters()}
    assert not functional_call(module, copies, (torch.randn(2, 3),)).any()
    for part in (first, second):
        assert all(now is then for now, then in zip(part.parameters(), before, strict=True))


@pytest.mark.parametrize("other", [nn.Sequential(nn.Linear(3, 4), nn.LayerNorm(4)), nn.Sequential(nn.Linear(3, 5))])
def test_what_differs_is_not_tied(other: nn.Module) -> None:
    first = make_pair()["first"]
    before = list(other.parameters())
    with pytest.raises(ValueError, match="is not of the same size in both"):
        tie(other, first)
    assert all(now is then for now, then in zip(other.parameters(), before, strict=True))
