from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from bertkit.batching.token_batch import TokenBatch
from bertkit.inference.gradients import Point, head_importance, integrated_gradients
from bertkit.model.encoder import Encoder
from bertkit.pretrained.loading import open_pretrained
from tests.parity.bert_peer import Sequences
from tests.parity.test_families import CASES, make_peer, sequences_of


def by_sequence(values_T: Tensor, batch: TokenBatch) -> Tensor:
    return torch.stack([part.sum() for part in torch.split(values_T, list(batch.layout.lengths))])


class Table(nn.Module):
    """Embeddings that are a table and nothing else."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.weight = nn.Parameter(torch.randn(11, 7), requires_grad=False)

    def forward(self, batch: TokenBatch, counted_T: Tensor | None = None) -> Tensor:
        return self.weight[batch.ids_T]


@pytest.fixture
def table() -> Table:
    return Table()


POINTS = [Point([1, 2, 3, 4], [1, 9, 9, 4], [0] * 4), Point([5, 6], [9, 9], [0] * 2), Point([8] * 4, [9] * 4, [0] * 4)]


@pytest.mark.parametrize("steps", [1, 5])
@pytest.mark.parametrize("budget", [1, 9, 1000])
def test_a_linear_score_has_its_closed_form(table: Table, steps: int, budget: int) -> None:
    weight_E = torch.randn(7)

    def score(x_TW: Tensor, batch: TokenBatch, numbers: Sequence[int]) -> Tensor:
        return by_sequence(x_TW @ weight_E, batch) + 3.0

    found = integrated_gradients(score, table, POINTS, steps=steps, budget=budget)
    for point, one in zip(POINTS, found, strict=True):
        vectors, baseline = table.weight[point.ids], table.weight[point.baseline]
        np.testing.assert_allclose(one.tokens_L, ((vectors - baseline) @ weight_E).numpy(), atol=1e-5)
        assert one.score == pytest.approx(float((vectors @ weight_E).sum() + 3.0), abs=1e-5)
        assert one.baseline_score == pytest.approx(float((baseline @ weight_E).sum() + 3.0), abs=1e-5)
        assert abs(one.delta) < 1e-5


@pytest.mark.parametrize("steps", [1, 3])
def test_a_square_score_is_integrated_exactly(table: Table, steps: int) -> None:
    def score(x_TW: Tensor, batch: TokenBatch, numbers: Sequence[int]) -> Tensor:
        return by_sequence((x_TW**2).sum(dim=-1), batch)

    for point, one in zip(POINTS, integrated_gradients(score, table, POINTS, steps=steps, budget=1000), strict=True):
        squares = table.weight**2
        expected = (squares[point.ids] - squares[point.baseline]).sum(dim=-1)
        np.testing.assert_allclose(one.tokens_L, expected.numpy(), atol=1e-4)


def test_twice_the_steps_have_a_quarter_of_the_error(table: Table) -> None:
    def score(x_TW: Tensor, batch: TokenBatch, numbers: Sequence[int]) -> Tensor:
        return by_sequence((x_TW**3).sum(dim=-1), batch)

    few, many = (integrated_gradients(score, table, POINTS[:1], steps=steps, budget=1000)[0] for steps in (4, 8))
    assert few.delta == pytest.approx(4 * many.delta, rel=1e-2)
    assert abs(many.delta) > 1e-3


def test_each_copy_is_scored_as_its_own_input(table: Table) -> None:
    def score(x_TW: Tensor, batch: TokenBatch, numbers: Sequence[int]) -> Tensor:
        factors_B = torch.tensor([10.0**number for number in numbers])
        return by_sequence(x_TW[:, 0], batch) * factors_B

    found = integrated_gradients(score, table, POINTS, steps=3, budget=17)
    for number, (point, one) in enumerate(zip(POINTS, found, strict=True)):
        expected = (table.weight[point.ids, 0] - table.weight[point.baseline, 0]) * 10.0**number
        np.testing.assert_allclose(one.tokens_L, expected.numpy(), rtol=1e-4, atol=1e-4)


def test_the_table_is_left_as_it_was_and_can_be_read_meanwhile(table: Table) -> None:
    before = table(TokenBatch.pack([[1, 2]], [[0, 0]]))

    def score(x_TW: Tensor, batch: TokenBatch, numbers: Sequence[int]) -> Tensor:
        assert torch.equal(table(TokenBatch.pack([[1, 2]], [[0, 0]])), before)  # as another thread may
        return by_sequence(x_TW[:, 0], batch)

    integrated_gradients(score, table, POINTS, steps=2, budget=99)
    assert not table._forward_hooks
    assert (table.weight.grad, table.weight.requires_grad) == (None, False)


def first_values(encoder: Encoder, batch: TokenBatch, numbers: Sequence[int]) -> Tensor:
    return of_first_values(encoder(batch), batch)


def of_first_values(hidden_TW: Tensor, batch: TokenBatch) -> Tensor:
    return hidden_TW[batch.layout.first_B][:, :5].pow(2).sum(dim=-1)


def points_of(sequences: Sequences) -> list[Point]:
    return [
        Point(ids, [ids[0], *[4] * (len(ids) - 1)], segments)
        for ids, segments in zip(sequences.ids, sequences.segments, strict=True)
    ]


# With groups of heads, local windows, biases by distance, shared layers.
FAMILIES = ["bert", "albert", "mpnet", "modernbert", "eurobert, grouped heads", "nomic", "distilbert"]


@pytest.mark.parametrize("name", FAMILIES)
def test_importance_is_what_masking_a_head_by_a_little_changes(name: str, tmp_path: Path) -> None:
    make_peer(CASES[name], "Model", tmp_path)
    encoder = open_pretrained(tmp_path).build_encoder().double()
    encoder.requires_grad_(False)
    sequences = sequences_of(replace(CASES[name], lengths=[7, 12]))
    found = head_importance(first_values, encoder, points_of(sequences), budget=100)
    for number, (importance_SN, value) in enumerate(found):
        one = Sequences([sequences.ids[number]], [sequences.segments[number]]).packed()
        assert value == pytest.approx(float(first_values(encoder, one, [0])))
        assert importance_SN.shape == (len(encoder.config.layer_of_step), encoder.config.heads)
        expected = [
            [slope(encoder, one, step, head) for head in range(encoder.config.heads)]
            for step in range(len(encoder.config.layer_of_step))
        ]
        np.testing.assert_allclose(importance_SN, np.abs(expected), rtol=2e-3, atol=1e-5)


def slope(encoder: Encoder, batch: TokenBatch, masked_step: int, head: int, by: float = 1e-3) -> float:
    """The score's change when one head of one step is scaled up and down a little, by the definition of the output."""
    config = encoder.config
    scores = []
    for factor in (1 + by, 1 - by):
        calls = iter(range(len(config.layer_of_step)))

        def hook(module: nn.Module, inputs: tuple[Tensor], calls=calls, factor=factor) -> tuple[Tensor] | None:  # type: ignore[no-untyped-def]
            if next(calls) != masked_step:
                return None
            (x_TW,) = inputs
            x_TW = x_TW.clone()
            x_TW[:, head * config.head_width : (head + 1) * config.head_width] *= factor
            return (x_TW,)

        handles = [layer.attention.output.register_forward_pre_hook(hook) for layer in encoder.layers]  # type: ignore[operator, union-attr]
        scores.append(float(first_values(encoder, batch, [0])))
        for handle in handles:
            handle.remove()
    return (scores[0] - scores[1]) / (2 * by)


def test_the_baseline_has_the_positions_of_the_input(tmp_path: Path) -> None:
    """Also where the input has padding tokens, which RoBERTa does not count, and the baseline has none."""
    make_peer(CASES["roberta"], "Model", tmp_path)
    encoder = open_pretrained(tmp_path).build_encoder().float()
    pad = 1
    with torch.no_grad():
        encoder.embeddings.token.weight[:] = encoder.embeddings.token.weight[pad]
    point = Point(ids=[5, pad, 6, 7], baseline=[4, 4, 4, 4], segments=[0] * 4)

    def score(x_TW: Tensor, batch: TokenBatch, numbers: Sequence[int]) -> Tensor:
        return of_first_values(encoder.from_vectors(x_TW, batch), batch)

    (found,) = integrated_gradients(score, encoder.embeddings, [point], steps=2, budget=100)
    np.testing.assert_array_equal(found.tokens_L, 0.0)  # all tokens are alike, so nothing is left to credit


@pytest.mark.parametrize("name", FAMILIES)
def test_an_input_in_a_batch_is_explained_as_it_is_alone(name: str, tmp_path: Path) -> None:
    make_peer(CASES[name], "Model", tmp_path)
    encoder = open_pretrained(tmp_path).build_encoder().float()
    encoder.requires_grad_(False)
    table = encoder.embeddings

    def score(x_TW: Tensor, batch: TokenBatch, numbers: Sequence[int]) -> Tensor:
        return of_first_values(encoder.from_vectors(x_TW, batch), batch)

    points = points_of(sequences_of(CASES[name]))
    together = integrated_gradients(score, table, points, steps=4, budget=200)
    heads = head_importance(first_values, encoder, points, budget=40)
    for point, one, (importance_SN, _) in zip(points, together, heads, strict=True):
        (alone,) = integrated_gradients(score, table, [point], steps=4, budget=10_000)
        size = max(1.0, np.abs(alone.tokens_L).max())
        np.testing.assert_allclose(one.tokens_L, alone.tokens_L, atol=1e-4 * size, rtol=0)
        ((alone_SN, _),) = head_importance(first_values, encoder, [point], budget=10_000)
        np.testing.assert_allclose(importance_SN, alone_SN, atol=1e-4 * max(1.0, alone_SN.max()), rtol=0)
