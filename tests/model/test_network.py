from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from bertkit.batching.layout import Layout
from bertkit.batching.token_batch import TokenBatch
from bertkit.config.readout import MASKED_LM, Readout
from bertkit.families.bert import FAMILY
from bertkit.model import network as network_module
from bertkit.model.encoder import Encoder
from bertkit.model.heads import new_head
from bertkit.model.init import initialise
from bertkit.model.network import Network
from bertkit.model.vector_steps import RecipeHead, VectorRecipe
from tests.objectives.training_batches import CONFIG, make_encoder

BATCH = TokenBatch.pack([[5, 6, 7, 8], [9], [10, 11]], [[0, 0, 1, 1], [0], [0, 1]])
MASKS_M = torch.tensor([1, 4, 6])


@pytest.fixture(scope="module")
def encoder() -> Encoder:
    return make_encoder().eval()


def head(name: str, classes: int = 3) -> nn.Module:
    made = new_head(name, FAMILY.heads[name], CONFIG, classes).eval()
    initialise(made, 0.2, torch.Generator().manual_seed(1))
    return made


def network(encoder: Encoder, head: nn.Module | None, readout: Readout) -> Network:
    return Network(encoder, head, readout).eval()


def assert_same(found: Tensor, expected: Tensor) -> None:
    torch.testing.assert_close(found, expected, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize(("name", "rows"), [("text-classification", "sequence"), ("token-classification", "token")])
@torch.no_grad()
def test_what_the_head_makes_of_all_hidden_states(name: str, rows: str, encoder: Encoder) -> None:
    one = head(name)
    readout = Readout(rows, name, classes=3)  # type: ignore[arg-type]
    (logits_RC,) = network(encoder, one, readout)(BATCH)
    assert_same(logits_RC, one(encoder(BATCH), BATCH.layout, encoder))
    assert len(logits_RC) == sum(readout.count(length, 0) for length in BATCH.layout.lengths)


@torch.no_grad()
def test_vectors_of_tokens_where_there_is_no_head(encoder: Encoder) -> None:
    (hidden_TW,) = network(encoder, None, Readout("token"))(BATCH)
    assert_same(hidden_TW, encoder(BATCH))


@torch.no_grad()
def test_the_likeliest_tokens_of_each_mask(encoder: Encoder) -> None:
    one = head(MASKED_LM)
    (logits_MV,) = network(encoder, one, Readout("mask", MASKED_LM))(BATCH, MASKS_M)
    assert_same(logits_MV, one(encoder(BATCH)[MASKS_M], encoder))
    scores_MK, ids_MK = network(encoder, one, Readout("mask", MASKED_LM, top_k=4))(BATCH, MASKS_M)
    assert torch.equal(ids_MK, logits_MV.argsort(descending=True)[:, :4])
    assert_same(scores_MK, logits_MV.softmax(-1).gather(1, ids_MK))


@torch.no_grad()
def test_the_likeliest_of_some_tokens_have_their_probability_among_all(encoder: Encoder) -> None:
    one = head(MASKED_LM)
    (logits_MV,) = network(encoder, one, Readout("mask", MASKED_LM))(BATCH, MASKS_M)
    readout = Readout("mask", MASKED_LM, top_k=2, chosen=(7, 3, 9))
    scores_MK, ids_MK = network(encoder, one, readout)(BATCH, MASKS_M)
    chosen_N = torch.tensor([7, 3, 9])
    assert torch.equal(ids_MK, chosen_N[logits_MV[:, chosen_N].argsort(descending=True)[:, :2]])
    assert_same(scores_MK, logits_MV.softmax(-1).gather(1, ids_MK))


@torch.no_grad()
def test_parts_of_a_pooling_and_again_without_the_prompt(encoder: Encoder) -> None:
    readout = Readout("sequence", pooling=("mean", "max"), skip=1)
    parts = network(encoder, RecipeHead(VectorRecipe(("mean", "max"), skip=1)), readout)(BATCH)
    texts = encoder(BATCH).split(BATCH.layout.lengths)
    without = [text[min(1, len(text) - 1) :] for text in texts]
    expected = [torch.stack(rows) for rows in ([t.sum(0) for t in texts], [t.amax(0) for t in texts])]
    expected += [torch.stack(rows) for rows in ([t.sum(0) for t in without], [t.amax(0) for t in without])]
    for found, one in zip(parts, expected, strict=True):
        assert_same(found, one)


@torch.no_grad()
def test_the_likeliest_tokens_are_looked_for_a_few_masks_at_a_time(
    encoder: Encoder, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = network(encoder, head(MASKED_LM), Readout("mask", MASKED_LM, top_k=3))
    sizes: list[int] = []
    whole = one.logits

    def logits(hidden_TW: Tensor, layout: Layout, some_M: Tensor) -> Tensor:
        sizes.append(len(some_M))
        return whole(hidden_TW, layout, some_M)

    scores_MK, ids_MK = one(BATCH, MASKS_M)
    monkeypatch.setattr(network_module, "LOGITS_AT_ONCE", 2 * CONFIG.vocab_size)
    monkeypatch.setattr(one, "logits", logits)
    few_scores_MK, few_ids_MK = one(BATCH, MASKS_M)
    assert sizes == [2, 1]
    assert_same(few_scores_MK, scores_MK)
    assert few_ids_MK.tolist() == ids_MK.tolist()
    assert [len(none) for none in one(BATCH, MASKS_M[:0])] == [0, 0]
