"""question-answering: the spans of a context that answer a question (Devlin et al. 2018, section 4.2 and 4.3).

The rules are those of google-research/bert `run_squad.py`, `write_predictions`, but for two that it approximates: every
span is searched, not only those of the 20 best starts and ends; and spans are the user's own characters.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import chain
from typing import TYPE_CHECKING, ClassVar, NamedTuple

import numpy as np
import numpy.typing as npt

from bertkit.config.readout import Readout
from bertkit.errors import UserError
from bertkit.tasks.contract import Array, Outcome, Reading, Result, Target, Task, Texts, place_of, text_field
from bertkit.tasks.scoring import softmax

if TYPE_CHECKING:
    from bertkit.tokenization.tokenizer import Tokenizer
    from bertkit.tokenization.windows import Window

FIRST_IN_ORDER = 1024  # spans of a window that are sorted, of up to 200,000
CANDIDATES = 20  # the best spans, over which probabilities are spread: `n_best_size` of the script


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer: `answer` is `[start:end]` of the user's context, in code points."""

    answer: str
    score: float
    start: int
    end: int


@dataclass(frozen=True, kw_only=True)
class Answers(Result):
    """The best answers, each text once, and the probability that the context has none."""

    answers: list[Answer]
    no_answer_score: float

    def answer(self) -> dict[str, object]:
        """`{"answers": [{"answer", "score", "start", "end"}…], "no_answer_score": 0.01}`."""
        return {
            "answers": [asdict(answer) for answer in self.answers],
            "no_answer_score": self.no_answer_score,
        }


class SpanCandidate(NamedTuple):
    """A span of the context, in code points, and the sum of its start's and its end's logit."""

    logit: float
    start: int
    end: int


class QuestionAnswering(Task):
    """Extractive answers. Of a long context each window is searched for the spans that start at a token it owns.

    Args:
        top_k: answers to give.
        max_answer_tokens: tokens of the longest answer.
        doc_stride: tokens of the context that neighbouring windows share; None is a quarter of a window. A span is
            sure to be seen whole where this is at least twice `max_answer_tokens`. (The script's `doc_stride` counts
            the tokens from one window's start to the next one's; transformers' counts as here.)
    """

    name: ClassVar[str] = "question-answering"
    fields: ClassVar[tuple[str, ...]] = ("question", "context")
    head_name: ClassVar[str | None] = "question-answering"
    needs_offsets: ClassVar[bool] = True
    overlap: ClassVar[float | None] = 0.25
    classes = 2

    def __init__(
        self, tokenizer: Tokenizer, top_k: int = 3, max_answer_tokens: int = 30, doc_stride: int | None = None
    ) -> None:
        super().__init__(tokenizer)
        for option, value, least in (
            ("top_k", top_k, 1),
            ("max_answer_tokens", max_answer_tokens, 1),
            ("doc_stride", doc_stride, 0),
        ):
            if value is not None and value < least:
                raise UserError(f"{option} is {value}", f"Choose {least} or more.")
        self.top_k = top_k
        self.max_answer_tokens = max_answer_tokens
        self.doc_stride = doc_stride

    def read(self, fields: Mapping[str, object]) -> tuple[Texts, ...]:
        """A question and its context; a row of a single text (a line) may call the context `text`."""
        context = "context" if "context" in fields or "text" not in fields else "text"
        return (Texts(text_field(fields, "question"), text_field(fields, context)),)

    def shared_tokens(self, room: int) -> int:
        """The stride that was asked for, which must be less than a window has room for."""
        if self.doc_stride is None:
            return super().shared_tokens(room)
        if self.doc_stride >= room:
            raise UserError(
                f"doc_stride is {self.doc_stride}, but windows have room for {room} tokens beside the shorter text",
                f"Choose a stride of at most {max(room - 1, 0)}, or shorten the question.",
            )
        return self.doc_stride

    @property
    def readout(self) -> Readout:
        """Each token's logits of being an answer's start and its end, (R, 2)."""
        return Readout("token", self.head_name, self.classes)

    def decode(self, outcomes: Sequence[Outcome], reading: Reading) -> Answers:
        """The best spans of all windows; no answer is the lowest sum of logits that the windows' first tokens have."""
        (outcome,) = outcomes
        context = outcome.texts.second
        assert context is not None
        count = max(self.top_k, CANDIDATES)
        found = [
            distinct(self._spans(context, window, owned, logits_L2), context, count)
            for window, owned, (logits_L2,) in outcome.owned
        ]
        best = distinct(sorted(chain.from_iterable(found), key=lambda one: -one.logit), context, count)
        null = min(float(logits_L2[0].sum()) for (logits_L2,) in outcome.outputs)
        none, *scores = softmax(np.array([null, *(one.logit for one in best)])).tolist()
        answers = [
            Answer(context[one.start : one.end], score, one.start, one.end)
            for one, score in zip(best[: self.top_k], scores, strict=False)
        ]
        return Answers(answers=answers, no_answer_score=none, reading=reading)

    def target(self, outcomes: Sequence[Outcome], result: Result, name: str | None) -> Target | None:
        """The start's and the end's logit of the best answer, or of the one whose text is `name`."""
        assert isinstance(result, Answers)
        if not result.answers:
            return None
        texts = [answer.answer for answer in result.answers]
        answer = result.answers[0 if name is None else place_of(name, texts, "answer")]
        (outcome,) = outcomes
        ((window, owned, _),) = outcome.owned
        assert window.offsets is not None
        offsets = window.offsets
        start = next(token for token in owned if offsets[token][0] <= answer.start < offsets[token][1])
        end = next(token for token in reversed(owned) if offsets[token][0] < answer.end <= offsets[token][1])
        return Target(answer.answer, ((start, 0), (end, 1)))

    def _spans(self, context: str, window: Window, owned: range, logits_L2: Array) -> Iterator[SpanCandidate]:
        """The spans that start at an owned token and end in the window, the highest logit first."""
        assert window.offsets is not None
        stop = len(window.ids) - len(self.tokenizer.template.pair.suffix.ids)
        starts_S = logits_L2[owned.start : owned.stop, 0].astype(np.float64)
        ends_E = logits_L2[owned.start : stop, 1].astype(np.float64)
        beyond = np.full(self.max_answer_tokens - 1, -np.inf)
        ends_SM = np.lib.stride_tricks.sliding_window_view(np.concatenate([ends_E, beyond]), self.max_answer_tokens)
        logits_SM = starts_S[:, None] + ends_SM[: len(starts_S)]
        for place in highest_first(logits_SM.ravel()):
            first, more = divmod(place, self.max_answer_tokens)
            if logits_SM[first, more] == -np.inf:
                return
            start = window.offsets[owned.start + first][0]
            end = window.offsets[owned.start + first + more][1]
            text = context[start:end]
            if visible := text.strip():
                start += len(text) - len(text.lstrip())
                yield SpanCandidate(float(logits_SM[first, more]), start, start + len(visible))


def highest_first(values_N: Array) -> Iterator[int]:
    """The places of the values from the highest on, equal ones in their order.

    Few are asked for: the first ones are put in order, and twice as many when these are used up.
    """
    count, above = FIRST_IN_ORDER, np.inf
    while count < len(values_N):
        least = -np.partition(-values_N, count - 1)[count - 1]
        yield from _in_order(values_N, np.flatnonzero((values_N >= least) & (values_N < above)))
        count, above = 2 * count, least
    yield from _in_order(values_N, np.flatnonzero(values_N < above))


def _in_order(values_N: Array, places_K: npt.NDArray[np.int64]) -> Iterator[int]:
    yield from places_K[np.argsort(-values_N[places_K], kind="stable")].tolist()


def distinct(
    candidates: Iterator[SpanCandidate] | Sequence[SpanCandidate], context: str, count: int
) -> list[SpanCandidate]:
    """The first candidates, at most `count`, each text once where it is best, as in the script."""
    seen: set[str] = set()
    kept = []
    for candidate in candidates:
        text = context[candidate.start : candidate.end]
        if text not in seen:
            seen.add(text)
            kept.append(candidate)
            if len(kept) == count:
                break
    return kept
