from __future__ import annotations

import torch
from torch import nn

from bertkit.batching.token_batch import TokenBatch
from bertkit.model.embeddings import Embeddings

BATCH = TokenBatch.pack([[7, 8, 1], [5, 6]], [[0, 0, 1], [1, 0]])
NOTHING = nn.Identity()


def table(rows: int) -> nn.Embedding:
    return nn.Embedding(rows, 4)


def made(segment: nn.Embedding | None = None, position: nn.Embedding | None = None, offset: int = 0) -> Embeddings:
    return Embeddings(table(9), segment, position, offset, norm=NOTHING, dropout=NOTHING, projection=NOTHING)


@torch.no_grad()
def test_tables_are_added_up_then_normalised_dropped_and_projected() -> None:
    parts = [nn.LayerNorm(4), nn.Hardtanh(-0.5, 0.5), nn.Linear(4, 6)]
    token, segment, position = table(9), table(2), table(5)
    x_TE = token.weight[[7, 8, 1, 5, 6]] + segment.weight[[0, 0, 1, 1, 0]] + position.weight[[0, 1, 2, 0, 1]]
    expected = nn.Sequential(*parts)(x_TE)
    norm, dropout, projection = parts
    found = Embeddings(token, segment, position, 0, norm=norm, dropout=dropout, projection=projection)(BATCH)
    torch.testing.assert_close(found, expected)


@torch.no_grad()
def test_a_model_with_one_segment_has_it_everywhere() -> None:
    embeddings = made(segment=table(1))
    assert embeddings.segment is not None
    torch.testing.assert_close(embeddings(BATCH), embeddings.token(BATCH.ids_T) + embeddings.segment.weight)


@torch.no_grad()
def test_positions_are_counted_by_the_ids_that_are_given() -> None:
    """With rows for padding in front, the padding token (1) is not counted; what is masked may hide one."""
    embeddings = made(position=table(7), offset=2)
    assert embeddings.position is not None
    token_TE = embeddings.token(BATCH.ids_T)
    torch.testing.assert_close(embeddings(BATCH), token_TE + embeddings.position.weight[[2, 3, 1, 2, 3]])
    counted_T = torch.tensor([7, 1, 8, 5, 6])
    torch.testing.assert_close(embeddings(BATCH, counted_T), token_TE + embeddings.position.weight[[2, 1, 3, 2, 3]])
