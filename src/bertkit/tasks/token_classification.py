"""token-classification: the named entities of a text, or whatever else the labels of its words mark."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, ClassVar, Literal, get_args

import numpy as np

from bertkit.config.readout import Final, Readout
from bertkit.errors import UserError, near_match
from bertkit.families.labels import read_labels
from bertkit.tasks.contract import Outcome, Reading, Result, Target, Task, Texts, text_field
from bertkit.tasks.entities import group, read_tags
from bertkit.tasks.scoring import Scores, softmax
from bertkit.tokenization.words import Word, words_of

if TYPE_CHECKING:
    from bertkit.tokenization.tokenizer import Tokenizer

Aggregation = Literal["first", "average", "max"]


@dataclass(frozen=True, slots=True)
class Entity:
    """One entity: `text` is `[start:end]` of the user's text, in code points."""

    label: str
    score: float
    text: str
    start: int
    end: int


@dataclass(frozen=True, kw_only=True)
class Entities(Result):
    """The entities of a text, in its order."""

    entities: list[Entity]

    def answer(self) -> dict[str, object]:
        """`{"entities": [{"label", "score", "text", "start", "end"}…]}`."""
        return {"entities": [asdict(entity) for entity in self.entities]}


class TokenClassification(Task):
    """A label for each word, decided from its pieces; neighbouring words make an entity as their labels say.

    In a long text each piece counts from the window that shows most of its context.

    Args:
        labels: of the classifier's rows.
        aggregation: which pieces decide for a word: its `first`, as the usual training has it; the `average` of all
            pieces' probabilities; or the piece that is surest of its label (`max`).
    """

    name: ClassVar[str] = "token-classification"
    fields: ClassVar[tuple[str, ...]] = ("text",)
    head_name: ClassVar[str | None] = "token-classification"
    needs_offsets: ClassVar[bool] = True
    overlap: ClassVar[float | None] = 0.25

    def __init__(self, tokenizer: Tokenizer, labels: Sequence[str], aggregation: Aggregation = "first") -> None:
        super().__init__(tokenizer)
        if aggregation not in get_args(Aggregation):
            hint = near_match(aggregation, get_args(Aggregation))
            raise UserError(f"unknown aggregation {aggregation!r}{hint}", "Choose first, average or max.")
        self.labels = tuple(labels)
        self.classes = len(self.labels)
        self.aggregation = aggregation
        self._tags = read_tags(self.labels)

    @classmethod
    def options(cls, config: Mapping[str, object], rows: int) -> dict[str, object]:
        """The labels."""
        return {"labels": read_labels(config)}

    def read(self, fields: Mapping[str, object]) -> tuple[Texts, ...]:
        """One text."""
        return (Texts(text_field(fields, "text")),)

    @property
    def readout(self) -> Readout:
        """The labels' logits of every token, (R, C)."""
        return Readout("token", self.head_name, self.classes)

    @property
    def final(self) -> Final:
        """Probabilities of the labels of each piece."""
        return Final("softmax")

    def decode(self, outcomes: Sequence[Outcome], reading: Reading) -> Entities:
        """Every piece from the window that owns it; then words, then entities."""
        (outcome,) = outcomes
        words, labels, scores = self._words(outcome)
        entities = []
        for label, first, stop in group([self._tags[label] for label in labels]):
            start, end = words[first].start, words[stop - 1].end
            score = sum(scores[first:stop]) / (stop - first)
            entities.append(Entity(label, score, outcome.texts.first[start:end], start, end))
        return Entities(entities=entities, reading=reading)

    def target(self, outcomes: Sequence[Outcome], result: Result, name: str | None) -> Target | None:
        """The labels' logits of the pieces that decide for the surest entity, or for the first whose text is `name`.

        A text need not have the entity: None. With `max`, all pieces of a word count.
        """
        assert isinstance(result, Entities)
        named = [entity for entity in result.entities if name is None or entity.text == name]
        if not named:
            return None
        entity = named[0] if name is not None else max(named, key=lambda entity: entity.score)
        (outcome,) = outcomes
        ((_, owned, _),) = outcome.owned
        words, labels, _ = self._words(outcome)
        cells = []
        for word, label in zip(words, labels, strict=True):
            if entity.start <= word.start < entity.end:
                pieces = word.pieces[:1] if self.aggregation == "first" else word.pieces
                cells += [(owned.start + piece, label) for piece in pieces]
        return Target(f"{entity.label} {entity.text}", tuple(cells))

    def _words(self, outcome: Outcome) -> tuple[list[Word], list[int], list[float]]:
        """The words of a text, each with the number of its label and that label's score."""
        offsets: list[tuple[int, int]] = []
        parts = []
        for window, owned, (logits_LC,) in outcome.owned:
            assert window.offsets is not None
            offsets += window.offsets[owned.start : owned.stop]
            parts.append(softmax(logits_LC[owned.start : owned.stop].astype(np.float64)))
        words = words_of(outcome.texts.first, offsets)
        return words, *decide(words, np.concatenate(parts), self.aggregation)


def decide(words: Sequence[Word], probabilities_PC: Scores, aggregation: Aggregation) -> tuple[list[int], list[float]]:
    """The label of each word, by number, and its score.

    Args:
        probabilities_PC: of each piece's labels.
    """
    if not words:
        return [], []
    pieces = [piece for word in words for piece in word.pieces]
    starts = np.cumsum([0, *(len(word.pieces) for word in words[:-1])])
    shown_PC = probabilities_PC[pieces]
    if aggregation == "first":
        decisive = shown_PC[starts]
    elif aggregation == "average":
        counts = np.array([[len(word.pieces)] for word in words])
        decisive = np.add.reduceat(shown_PC, starts, axis=0) / counts
    else:
        stops = [*starts[1:], len(pieces)]
        tops = shown_PC.max(axis=1)
        decisive = shown_PC[[start + int(tops[start:stop].argmax()) for start, stop in zip(starts, stops, strict=True)]]
    labels = decisive.argmax(axis=1)
    return labels.tolist(), decisive[np.arange(len(labels)), labels].tolist()
