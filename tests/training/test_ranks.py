from __future__ import annotations

import pytest
import torch.distributed as dist
from torch.distributed.checkpoint.api import CheckpointException

from bertkit.training.ranks import PATIENCE, LostRank, joined
from tests.training.in_process import CPU

CLOSED = "[/pytorch/third_party/gloo/gloo/transport/tcp/pair.cc:534] Connection closed by peer [127.0.0.1]:5"


@pytest.mark.parametrize("error", [RuntimeError(CLOSED), dist.DistNetworkError("the store has gone")])
def test_a_process_that_has_ended_is_said_in_words(error: RuntimeError) -> None:
    with pytest.raises(LostRank, match="another process of the run has ended") as raised, joined(CPU):
        raise error
    assert "Its own message says why" in raised.value.remedy


def test_so_is_one_that_ended_while_a_checkpoint_was_read() -> None:
    failure = (RuntimeError(CLOSED), None)
    with pytest.raises(LostRank), joined(CPU):
        raise CheckpointException("load", {0: failure})  # type: ignore[dict-item]


@pytest.mark.parametrize("error", [RuntimeError("shapes differ"), KeyError("name")])
def test_other_errors_stay(error: Exception) -> None:
    with pytest.raises(type(error)) as raised, joined(CPU):
        raise error
    assert raised.value is error


def test_one_process() -> None:
    with joined(CPU) as ranks:
        assert ranks.sums({"a": 1.5}) == {"a": 1.5}
        assert ranks.by_first(lambda: 5) == 5
        assert ranks.is_first
    assert PATIENCE.days >= 7  # what one does alone may take long
