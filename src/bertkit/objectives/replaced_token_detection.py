"""Replaced token detection (Clark et al. 2020, arXiv 2003.10555): a small generator fills the masks with likely tokens,
and the encoder says of every token whether it is the one that stood there.

Two objectives, because their sums have different counts: `ReplacedTokenDetection` trains the encoder,
`GeneratorMaskedLM` the generator. They share the `Generator`, which runs once a micro-batch.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

import torch
from torch import Tensor, nn
from torch.nn import functional

from bertkit.batching.token_batch import TokenBatch
from bertkit.batching.training_batch import TrainingBatch
from bertkit.errors import ConfigError
from bertkit.model.chunked_loss import SampledTargets
from bertkit.model.encoder import Encoder
from bertkit.model.heads import Head, MaskedLMHead
from bertkit.model.tying import tie
from bertkit.objectives.objective import Loss, Objective


@dataclass(frozen=True, slots=True)
class Proposal:
    """What the generator made of one micro-batch.

    Attributes:
        sampled_M: a token for each mask, drawn from its predictions; may be the one that stood there.
        loss: its own loss.
    """

    batch: TrainingBatch
    sampled_M: Tensor
    loss: Loss


class Generator(nn.Module):
    """A small masked language model, and its proposal for the micro-batch at hand."""

    def __init__(self, encoder: Encoder, head: MaskedLMHead) -> None:
        super().__init__()
        self.encoder = encoder
        self.head = head
        self._proposal: Proposal | None = None

    def propose(self, tokens: TokenBatch, batch: TrainingBatch) -> Tensor:
        """A token for each mask, (M,), drawn with torch's random numbers. The loss is kept for `loss`."""
        targets = SampledTargets(batch.targets["masked_ids_M"])
        masked_M = batch.targets["masked_M"]
        hidden_MW = self.encoder(tokens, masked_M)
        total, correct = self.head.loss(hidden_MW, self.encoder, targets)
        self._proposal = Proposal(batch, targets.sampled_M, Loss(total, {"correct": correct}))
        return targets.sampled_M

    def forget(self) -> None:
        """Let go of the proposal, and of the graph that it holds."""
        self._proposal = None

    def loss(self, batch: TrainingBatch) -> Loss:
        """The loss of the proposal for this micro-batch, made now where there is none; the proposal is forgotten."""
        if self._proposal is None or self._proposal.batch is not batch:
            self.propose(batch.tokens, batch)
        proposal, self._proposal = self._proposal, None
        assert proposal is not None
        return proposal.loss


def share_embeddings(generator: Encoder, encoder: Encoder) -> None:
    """Give the generator the encoder's tables of tokens, positions and segments and their norm, as the authors do.

    Raises:
        ConfigError: they have not the same sizes.
    """
    for name in ("token", "segment", "position", "norm"):
        ours, theirs = getattr(generator.embeddings, name), getattr(encoder.embeddings, name)
        try:
            tie(ours or nn.Identity(), theirs or nn.Identity())
        except ValueError:
            raise ConfigError(
                f"the generator's {name} embeddings are not of the encoder's size",
                "Give both the same vocabulary, positions, segments and width of embeddings.",
            ) from None


class GeneratorMaskedLM(Objective):
    """The generator's masked language modelling: cross entropy at the masked tokens."""

    name: ClassVar[str] = "generator-fill-mask"
    head_name: ClassVar[str | None] = "masked-lm"

    def __init__(self, generator: Generator) -> None:
        super().__init__()
        self.generator = generator

    @property
    def head(self) -> MaskedLMHead:  # type: ignore[override]
        """The generator's head."""
        return self.generator.head

    @property
    def own_encoder(self) -> Encoder:
        """The generator's encoder, which has some of the run's encoder's tables."""
        return self.generator.encoder

    def forget(self) -> None:
        """Let go of the generator's proposal."""
        self.generator.forget()

    def count(self, batch: TrainingBatch) -> int:
        """The masked tokens."""
        return len(batch.targets["masked_M"])

    def forward(self, encoder: Encoder, hidden_TW: Tensor, batch: TrainingBatch) -> Loss:
        """The loss; its sums have `correct`, the tokens that the generator predicts first."""
        return self.generator.loss(batch)


class ReplacedTokenDetection(Objective):
    """Binary cross entropy at every token, special tokens included: was it replaced?

    A mask that the generator fills with the token that stood there counts as not replaced. No gradient goes through the
    drawing, so none reaches the generator from here but through the tables that both have.
    """

    name: ClassVar[str] = "replaced-token-detection"
    head_name: ClassVar[str | None] = "replaced-token-detection"

    def __init__(self, head: Head, generator: Generator) -> None:
        super().__init__()
        self.head: Head = head
        self._generator = (generator,)  # a tuple, so that it is a submodule of `GeneratorMaskedLM` alone
        self._replaced_T: Tensor | None = None

    def inputs(self, tokens: TokenBatch, batch: TrainingBatch) -> TokenBatch:
        """The tokens with the generator's in the place of the masked."""
        masked_M, true_M = batch.targets["masked_M"], batch.targets["masked_ids_M"]
        sampled_M = self._generator[0].propose(tokens, batch)
        self._replaced_T = torch.zeros_like(tokens.ids_T, dtype=torch.bool).index_copy(0, masked_M, sampled_M != true_M)
        return replace(tokens, ids_T=tokens.ids_T.index_copy(0, masked_M, sampled_M))

    def forget(self) -> None:
        """Let go of which tokens were replaced."""
        self._replaced_T = None

    def count(self, batch: TrainingBatch) -> int:
        """All tokens."""
        return len(batch.tokens.ids_T)

    def forward(self, encoder: Encoder, hidden_TW: Tensor, batch: TrainingBatch) -> Loss:
        """The loss; its sums have `correct`, and `replaced`, how many tokens were."""
        replaced_T, self._replaced_T = self._replaced_T, None
        assert replaced_T is not None, "`inputs` comes first, once for each `forward`"
        logits_T = self.head(hidden_TW, batch.tokens.layout, encoder)[:, 0].float()
        total = functional.binary_cross_entropy_with_logits(logits_T, replaced_T.float(), reduction="sum")
        correct = ((logits_T.detach() > 0) == replaced_T).sum().float()
        return Loss(total, {"correct": correct, "replaced": replaced_T.sum().float()})
