"""What an explanation says, as plain numbers beside the user's own text: for a record, a terminal or a page."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import ClassVar

import numpy as np

from bertkit.tasks.contract import Array, Texts
from bertkit.tasks.shown import shown, shown_fields
from bertkit.tokenization.tokenizer import Tokenizer
from bertkit.tokenization.windows import Window
from bertkit.tokenization.words import words_of


@dataclass(frozen=True, slots=True)
class ExplainedWord:
    """A word and the sum of its pieces' scores: `text` is `[start:end]` of the text `part` (0 or, of a pair, 1)."""

    text: str
    start: int
    end: int
    part: int
    score: float


@dataclass(frozen=True, kw_only=True)
class Explanation(ABC):
    """Why an answer is what it is.

    Attributes:
        target: what is explained, as the answer calls it (a label, a token, an entity); None where the task has no
            score, of which only attention can be shown.
        input: which of the row's inputs is explained, where the task reads several (a document, a choice).
    """

    kind: ClassVar[str]
    target: str | None
    input: int

    def __init_subclass__(cls) -> None:
        cls.__repr__ = Explanation.__repr__  # type: ignore[method-assign]  # else each dataclass makes one, of all numbers

    def __repr__(self) -> str:
        """One line: what was found, of long lists the beginning."""
        scored = getattr(self, "scored", None)
        return shown_fields(self, without=("scored",), more="" if scored is None else repr(scored))

    def record(self) -> dict[str, object]:
        """The explanation as JSON values."""
        return {"kind": self.kind, "target": self.target, "input": self.input} | self.findings()

    @abstractmethod
    def is_finite(self) -> bool:
        """Whether all numbers of it are."""

    @abstractmethod
    def findings(self) -> dict[str, object]:
        """What this kind of explanation found, as JSON values."""


@dataclass(frozen=True, slots=True)
class ScoredTokens:
    """A score for each token of an input, and for each word of its texts.

    Attributes:
        tokens: the pieces, special tokens included.
        offsets: where each is in its own text, in code points; (0, 0) for special tokens.
        parts: which of the texts each is of, 0 or 1; None for special tokens.
        scores: one a token.
        words: the words of the texts in order.
    """

    tokens: list[str]
    offsets: list[tuple[int, int]]
    parts: list[int | None]
    scores: list[float]
    words: list[ExplainedWord]

    def __repr__(self) -> str:
        """The words that the score hangs on the most."""
        words = sorted(self.words, key=lambda word: -abs(word.score))
        return f"ScoredTokens({shown([f'{word.text} {word.score:+.3f}' for word in words])})"

    @classmethod
    def of(cls, texts: Texts, window: Window, tokenizer: Tokenizer, scores_L: Iterable[float]) -> ScoredTokens:
        """The scores of an input that was read in one window, (L,)."""
        assert window.offsets is not None
        parts: list[int | None] = [None] * len(window.ids)
        scores = [float(score) for score in scores_L]
        words = []
        for part, (text, owned) in enumerate(zip((texts.first, texts.second), window.owned, strict=False)):
            assert text is not None
            parts[owned.start : owned.stop] = [part] * len(owned)
            for word in words_of(text, window.offsets[owned.start : owned.stop]):
                score = sum(scores[owned.start + piece] for piece in word.pieces)
                words.append(ExplainedWord(text[word.start : word.end], word.start, word.end, part, score))
        return cls([tokenizer.token(id) for id in window.ids], window.offsets, parts, scores, words)

    def record(self) -> dict[str, object]:
        """The scores as JSON values."""
        return {
            "tokens": self.tokens,
            "offsets": [list(offset) for offset in self.offsets],
            "parts": self.parts,
            "scores": self.scores,
            "words": [asdict(word) for word in self.words],
        }


@dataclass(frozen=True, kw_only=True)
class AttributionExplanation(Explanation):
    """What each token adds to the target's score, against the same input with its tokens taken out.

    Attributes:
        scored: the attributions; 0 for special tokens, which the baseline keeps.
        target_score, baseline_score: the score (a sum of logits) of the input and of the baseline.
        delta: the attributions' sum less the difference of the two: the error of a finite number of steps.
        baseline: the token that stands in the place of all others.
        steps: points that were integrated over.
    """

    kind: ClassVar[str] = "attribution"
    scored: ScoredTokens
    target_score: float
    baseline_score: float
    delta: float
    baseline: str
    steps: int

    def is_finite(self) -> bool:
        """Whether the attributions and the scores that they add up to are."""
        return bool(np.isfinite([*self.scored.scores, self.target_score, self.baseline_score]).all())

    def findings(self) -> dict[str, object]:
        """`{"tokens", "offsets", "parts", "scores", "words", "target_score", "baseline_score", "delta", …}`."""
        names = ("target_score", "baseline_score", "delta", "baseline", "steps")
        return self.scored.record() | {name: getattr(self, name) for name in names}


@dataclass(frozen=True, kw_only=True)
class RolloutExplanation(Explanation):
    """The share of each token in what the answer is read from, by attention alone; shares sum to 1.

    Attributes:
        read_from: positions of the output tokens that the answer is read from; their mean where there are several.
    """

    kind: ClassVar[str] = "rollout"
    scored: ScoredTokens
    read_from: list[int]

    def is_finite(self) -> bool:
        """Whether the shares are."""
        return bool(np.isfinite(self.scored.scores).all())

    def findings(self) -> dict[str, object]:
        """`{"tokens", "offsets", "parts", "scores", "words", "read_from"}`."""
        return self.scored.record() | {"read_from": self.read_from}


@dataclass(frozen=True, kw_only=True)
class HeadsExplanation(Explanation):
    """How much the target's score leans on each attention head.

    Attributes:
        importance_SN: the absolute gradient of the score with respect to a mask of each step's heads.
        target_score: the score, a sum of logits.
    """

    kind: ClassVar[str] = "heads"
    importance_SN: Array
    target_score: float

    def is_finite(self) -> bool:
        """Whether the importance of all heads is."""
        return bool(np.isfinite(self.importance_SN).all())

    def findings(self) -> dict[str, object]:
        """`{"importance": [[one a head]… one list a step], "target_score": 3.2}`."""
        return {"importance": self.importance_SN.tolist(), "target_score": self.target_score}
