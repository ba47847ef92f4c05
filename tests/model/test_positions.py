from __future__ import annotations

import pytest
import torch
from torch import nn
from transformers.models.mpnet.modeling_mpnet import MPNetEncoder, create_position_ids_from_input_ids

from bertkit.batching.token_batch import TokenBatch
from bertkit.config.encoder import RelativeBias
from bertkit.model.positions import DistanceBias, Rotation, distance_buckets, learned_rows, rotate_reference


@pytest.mark.parametrize("offset", [1, 2, 5])
def test_a_padding_token_in_a_text_is_not_counted(offset: int) -> None:
    """As transformers counts each sequence alone; the first of a sequence and all of one may be padding tokens."""
    pad = offset - 1
    sequences = [[7, pad, 8, 9], [pad], [pad, pad, 6, pad, 7], [8, 9, 7], [6, 6, pad]]
    batch = TokenBatch.pack(sequences, [[0] * len(ids) for ids in sequences])
    theirs = [create_position_ids_from_input_ids(torch.tensor([ids]), pad)[0] for ids in sequences]
    assert torch.equal(learned_rows(batch.ids_T, batch.positions_T, offset), torch.cat(theirs))


def test_without_an_offset_every_token_is_counted() -> None:
    batch = TokenBatch.pack([[0, 3, 0], [0, 5]], [[0, 0, 0], [0, 0]])
    assert torch.equal(learned_rows(batch.ids_T, batch.positions_T, 0), batch.positions_T)


@pytest.mark.parametrize("theta", [10_000.0, 160_000.0])
def test_rotation_agrees_with_its_slow_twin(theta: float) -> None:
    x_TNH = torch.randn(9, 3, 10, generator=torch.Generator().manual_seed(0))
    positions_T = torch.tensor([0, 1, 2, 3, 0, 1, 500, 8000, 7])
    expected = rotate_reference(x_TNH, positions_T, theta)
    assert (Rotation(positions_T, 10, theta).turn(x_TNH).double() - expected).abs().max() < 1e-3
    near = positions_T < 10
    turned = Rotation(positions_T, 10, theta).turn(x_TNH)[near].double()
    assert (turned - expected[near]).abs().max() < 1e-5
    half = Rotation(positions_T, 10, theta).turn(x_TNH.bfloat16())
    assert half.dtype == torch.bfloat16


def test_only_the_distance_counts_after_a_rotation() -> None:
    q, k = torch.randn(2, 1, 1, 8, generator=torch.Generator().manual_seed(0)).double()

    def score(q_position: int, k_position: int) -> float:
        turned = [rotate_reference(x, torch.tensor([p]), 10_000.0) for x, p in ((q, q_position), (k, k_position))]
        return float((turned[0] * turned[1]).sum())

    assert score(3, 5) == pytest.approx(score(13, 15))
    assert score(3, 5) != pytest.approx(score(5, 3))


def test_buckets_are_those_of_mpnet() -> None:
    distance = torch.arange(-600, 601)
    expected = MPNetEncoder.relative_position_bucket(distance, num_buckets=32, max_distance=128)
    assert torch.equal(distance_buckets(distance, RelativeBias()), expected)


def test_a_bias_is_the_same_wherever_the_distance_is() -> None:
    table = nn.Embedding(32, 3)
    bias_NLL = DistanceBias(table, RelativeBias())(50)
    assert bias_NLL.shape == (3, 50, 50)
    assert torch.equal(bias_NLL[:, 0, 7], bias_NLL[:, 12, 19])
    assert torch.equal(bias_NLL[:, 7, 0], table.weight[7])
    assert torch.equal(bias_NLL[:, 0, 7], table.weight[16 + 7])
