"""text-ranking: documents in the order in which they answer a query, by a cross-encoder (Nogueira and Cho 2019).

A cross-encoder is a text classifier with one output that reads query and document together, as sentence-transformers'
`CrossEncoder` trains them. Older ones have two, of which the second says that the document answers: their difference
is the one output, and its sigmoid that label's probability.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from bertkit.config.readout import Final
from bertkit.errors import UserError, near_match
from bertkit.tasks.activations import ACTIVATIONS
from bertkit.tasks.contract import Outcome, Reading, Result, Target, Texts, place_of, text_field, texts_field
from bertkit.tasks.scoring import ScoredIndex, Scores, ScoringTask, best_first, window_logits

if TYPE_CHECKING:
    from bertkit.tokenization.tokenizer import Tokenizer


@dataclass(frozen=True, kw_only=True)
class Ranking(Result):
    """All documents, the most relevant first."""

    ranking: list[ScoredIndex]

    def answer(self) -> dict[str, object]:
        """`{"ranking": [{"index", "score"}…]}`."""
        return {"ranking": [asdict(document) for document in self.ranking]}


class TextRanking(ScoringTask):
    """One score for each document, read together with the query.

    A long document is as relevant as its most relevant window (MaxP of Dai and Callan 2019).

    Args:
        activation: the score is the `sigmoid` of the logit, or the logit itself (`identity`), or what else torch has.
        prompt: text that is put before every query, as some models were trained with.
        outputs: numbers that the classifier gives: 1, or 2 of which the second says that the document answers.
    """

    name: ClassVar[str] = "text-ranking"
    fields: ClassVar[tuple[str, ...]] = ("query", "documents")
    head_name: ClassVar[str | None] = "text-classification"
    overlap: ClassVar[float | None] = 0.25

    def __init__(self, tokenizer: Tokenizer, activation: str = "sigmoid", prompt: str = "", outputs: int = 1) -> None:
        super().__init__(tokenizer)
        if activation not in ACTIVATIONS:
            hint = near_match(activation, ACTIVATIONS)
            raise UserError(f"unknown activation {activation!r}{hint}", f"Choose {', '.join(sorted(ACTIVATIONS))}.")
        self.activation = activation
        self.prompt = prompt
        self.classes = outputs

    @classmethod
    def suits(cls, config: Mapping[str, object], rows: int) -> bool:
        """A classifier with one output."""
        return rows == 1

    @classmethod
    def options(cls, config: Mapping[str, object], rows: int) -> dict[str, object]:
        """Of two outputs the second one's probability is the score."""
        return {"activation": "sigmoid", "outputs": rows} if rows == 2 else {}

    def read(self, fields: Mapping[str, object]) -> tuple[Texts, ...]:
        """A query and its documents."""
        query = self.prompt + text_field(fields, "query")
        return tuple(Texts(query, document) for document in texts_field(fields, "documents"))

    @property
    def final(self) -> Final | None:
        """The score of a document; of two outputs the second one's."""
        if self.classes == 1:
            return Final(self.activation)
        return Final("softmax") if self.activation == "sigmoid" else None

    def decode(self, outcomes: Sequence[Outcome], reading: Reading) -> Ranking:
        """The documents of a row by their scores."""
        logits_N = np.array([_relevance(window_logits(outcome)).max() for outcome in outcomes])
        return Ranking(ranking=best_first(ACTIVATIONS[self.activation](logits_N)), reading=reading)

    def target(self, outcomes: Sequence[Outcome], result: Result, name: str | None) -> Target:
        """The logit of the best document, or of the one whose index is `name`."""
        assert isinstance(result, Ranking)
        indices = [str(index) for index in range(len(outcomes))]
        best = str(result.ranking[0].index)
        document = place_of(best if name is None else name, indices, "document")
        return Target(indices[document], ((0, self.classes - 1),), document)


def _relevance(logits_WC: Scores) -> Scores:
    """The one output, or the difference of the two, of each window."""
    return logits_WC[:, -1] - (logits_WC[:, 0] if logits_WC.shape[1] == 2 else 0)
