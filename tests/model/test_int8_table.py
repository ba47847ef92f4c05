from __future__ import annotations

import torch
from torch import nn

from bertkit.model.int8_table import Int8Table


def test_rows_are_nearly_those_of_the_table() -> None:
    torch.manual_seed(0)
    table = nn.Embedding(50, 24)
    ours, ids_T = Int8Table.of(table), torch.tensor([3, 3, 49, 0])
    assert ours.weight.dtype == torch.int8
    assert ours.weight_scale.dtype == torch.float16
    expected_TE = table(ids_T).detach()
    assert ours(ids_T).dtype == torch.float32
    assert torch.cosine_similarity(ours(ids_T), expected_TE).min() > 0.9999
    assert torch.equal(ours.rows()[ids_T], ours(ids_T))
    assert ours(ids_T[:0]).shape == (0, 24)


def test_one_to_be_filled_has_the_table_s_sizes() -> None:
    ours = Int8Table.like(nn.Embedding(50, 24, device="meta"))
    assert ours.num_embeddings == 50
    assert {name: tuple(tensor.shape) for name, tensor in ours.state_dict().items()} == {
        "weight": (50, 24),
        "weight_scale": (50,),
    }
