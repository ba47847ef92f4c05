"""What is not divided is handled as it is; divided tensors are tried on several ranks by the sharded runs."""

from __future__ import annotations

import torch

from bertkit.optimisation.shards import divided_like, local_part, whole_norms


def test_plain_tensors_are_their_own_parts() -> None:
    weight, part = torch.randn(3, 4), torch.randn(3, 4)
    assert local_part(weight) is weight
    assert divided_like(part, weight) is part


def test_norms_are_float32_one_a_tensor() -> None:
    tensors = [torch.randn(5, 7), torch.randn(9).bfloat16(), torch.zeros(2), torch.full((4,), 300.0).half()]
    found = whole_norms(tensors)
    assert found.dtype == torch.float32
    torch.testing.assert_close(found, torch.stack([one.float().norm() for one in tensors]))
    assert whole_norms([]).shape == (0,)
