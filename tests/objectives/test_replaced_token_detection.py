from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from bertkit.config.encoder import LearnedPositions
from bertkit.errors import ConfigError
from bertkit.families.electra import FAMILY
from bertkit.model.encoder import Encoder
from bertkit.model.heads import build_head, build_masked_lm_head
from bertkit.model.init import initialise
from bertkit.objectives.objective import Loss
from bertkit.objectives.replaced_token_detection import (
    Generator,
    GeneratorMaskedLM,
    ReplacedTokenDetection,
    share_embeddings,
)
from tests.objectives.training_batches import CONFIG, MASK, make_batch, make_encoder

NO_POOLER = CONFIG.model_copy(update={"pooler": False})
SMALL = NO_POOLER.model_copy(update={"width": 12, "heads": 1, "embed_width": 36, "ffn_width": 13})


class Run:
    """A discriminator, its generator, and both objectives."""

    def __init__(self) -> None:
        self.encoder = make_encoder(NO_POOLER)
        small = make_encoder(SMALL, seed=1)
        share_embeddings(small, self.encoder)
        self.generator = Generator(small, build_masked_lm_head(FAMILY.heads["masked-lm"], SMALL))
        head = build_head(FAMILY.heads["replaced-token-detection"], NO_POOLER, 1)
        initialise(self.generator.head, 0.2, torch.Generator().manual_seed(2))
        initialise(head, 0.2, torch.Generator().manual_seed(3))
        self.detection = ReplacedTokenDetection(head, self.generator)
        self.masked_lm = GeneratorMaskedLM(self.generator)

    def modules(self) -> nn.ModuleDict:
        return nn.ModuleDict({"encoder": self.encoder, "detection": self.detection, "masked": self.masked_lm})


def test_only_masks_are_filled_and_the_rest_is_read_as_it_is() -> None:
    run, batch = Run(), make_batch()
    masked_M = batch.targets["masked_M"]
    before_T = batch.tokens.ids_T.clone()
    tokens = run.detection.inputs(batch.tokens, batch)
    assert torch.equal(batch.tokens.ids_T, before_T)
    kept_T = torch.ones_like(before_T, dtype=torch.bool).index_fill(0, masked_M, False)
    assert torch.equal(tokens.ids_T[kept_T], before_T[kept_T])
    assert (tokens.ids_T[masked_M] != MASK).any()
    assert tokens.layout is batch.tokens.layout


def test_every_token_is_judged_and_a_right_guess_is_no_replacement() -> None:
    run, batch = Run(), make_batch()
    guess_M = batch.targets["masked_ids_M"].clone()
    guess_M[::2] = (guess_M[::2] + 1) % 99
    run.generator.propose = lambda tokens, batch: guess_M  # type: ignore[method-assign]
    tokens = run.detection.inputs(batch.tokens, batch)
    hidden_TW = run.encoder(tokens)
    loss = run.detection(run.encoder, hidden_TW, batch)
    replaced_T = torch.zeros(52)
    replaced_T[batch.targets["masked_M"][::2]] = 1.0
    logits_T = run.detection.head(hidden_TW, tokens.layout, run.encoder)[:, 0]
    expected = functional.binary_cross_entropy_with_logits(logits_T, replaced_T, reduction="sum")
    torch.testing.assert_close(loss.total, expected)
    assert loss.sums["replaced"] == replaced_T.sum()
    assert loss.sums["correct"] == ((logits_T > 0) == replaced_T.bool()).sum()
    assert run.detection.count(batch) == 52


def test_the_generators_loss_is_that_of_its_own_pass() -> None:
    run, batch = Run(), make_batch()
    run.detection.inputs(batch.tokens, batch)
    loss = run.masked_lm(run.encoder, torch.empty(0), batch)
    assert_is_masked_lm(loss, run, batch.targets["masked_M"], batch.targets["masked_ids_M"], batch.tokens)
    again = run.masked_lm(run.encoder, torch.empty(0), batch)  # nothing is proposed: it proposes itself
    torch.testing.assert_close(again.total, loss.total)
    assert run.masked_lm.count(batch) == len(batch.targets["masked_M"])


def assert_is_masked_lm(loss: Loss, run: Run, masked_M: Tensor, ids_M: Tensor, tokens: object) -> None:
    small = run.generator.encoder
    logits_MV = run.generator.head(small(tokens)[masked_M], small)
    torch.testing.assert_close(loss.total, functional.cross_entropy(logits_MV, ids_M, reduction="sum"))


def test_a_proposal_is_not_kept_for_another_batch() -> None:
    run, first, second = Run(), make_batch(seed=1), make_batch(seed=2)
    run.detection.inputs(first.tokens, first)
    loss = run.masked_lm(run.encoder, torch.empty(0), second)
    assert_is_masked_lm(loss, run, second.targets["masked_M"], second.targets["masked_ids_M"], second.tokens)


def test_no_gradient_goes_through_the_drawing() -> None:
    run, batch = Run(), make_batch()
    tokens = run.detection.inputs(batch.tokens, batch)
    run.detection(run.encoder, run.encoder(tokens), batch).total.backward()
    shared = {id(parameter) for parameter in run.encoder.parameters()}
    own = [parameter for parameter in run.generator.parameters() if id(parameter) not in shared]
    assert own
    assert all(parameter.grad is None for parameter in own)
    run.masked_lm(run.encoder, torch.empty(0), batch).total.backward()
    assert all(parameter.grad is not None for parameter in own)


def test_drawn_tokens_follow_torchs_random_numbers_and_the_predictions() -> None:
    run, batch = Run(), make_batch()
    drawn = []
    for seed in (7, 7, 8):
        torch.manual_seed(seed)
        drawn.append(run.generator.propose(batch.tokens, batch))
    assert torch.equal(drawn[0], drawn[1])
    assert not torch.equal(drawn[0], drawn[2])


def test_parameters_stand_once_in_the_run() -> None:
    run = Run()
    names = [name for name, _ in run.modules().named_parameters()]
    assert not any(name.startswith("detection.") and "generator" in name for name in names)
    assert "encoder.embeddings.token.weight" in names
    assert "masked.generator.encoder.embeddings.token.weight" not in names
    assert "masked.generator.encoder.embeddings.projection.weight" in names
    assert run.masked_lm.own_encoder is run.generator.encoder
    assert run.detection.own_encoder is None


@pytest.mark.parametrize(
    ("part", "changes"),
    [
        ("token", {"embed_width": 11}),
        ("token", {"vocab_size": 98}),
        ("segment", {"segment_types": 0}),
        ("position", {"positions": LearnedPositions(length=24)}),
    ],
)
def test_tables_of_other_sizes_are_not_shared(part: str, changes: dict[str, object]) -> None:
    small: Encoder = make_encoder(SMALL.model_copy(update=changes))
    table = small.embeddings.token
    with pytest.raises(ConfigError, match=f"generator's {part} embeddings"):
        share_embeddings(small, make_encoder(NO_POOLER))
    assert small.embeddings.token is table
