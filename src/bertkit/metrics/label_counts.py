"""How often a label was given, was right, and should have been given; precision, recall and F1 follow."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Counts:
    """Of one label, or of several together.

    Attributes:
        correct: how often it was predicted and is right.
        predicted: how often it was predicted.
        gold: how often it is right.
    """

    correct: int = 0
    predicted: int = 0
    gold: int = 0

    @property
    def precision(self) -> float:
        """Share of the predicted that is right; 0 where nothing was predicted."""
        return self.correct / self.predicted if self.predicted else 0.0

    @property
    def recall(self) -> float:
        """Share of the right that was predicted; 0 where nothing is right."""
        return self.correct / self.gold if self.gold else 0.0

    @property
    def f1(self) -> float:
        """Harmonic mean of precision and recall; 0 where there is neither."""
        both = self.predicted + self.gold
        return 2 * self.correct / both if both else 0.0

    def neither(self, examples: int) -> int:
        """In how many of all examples, each with the label at most once, it neither is right nor was predicted."""
        return examples - self.predicted - self.gold + self.correct

    def __add__(self, other: Counts) -> Counts:
        return Counts(self.correct + other.correct, self.predicted + other.predicted, self.gold + other.gold)


def total(counts: Iterable[Counts]) -> Counts:
    """All labels counted as one, the base of micro averages."""
    return sum(counts, Counts())
