"""Answers and why: `Explainer(bertkit.load(…, explainable=True), "attribution").explain([…])`.

Nothing here is in the way of a model that only answers, in this thread or another: explanations are made from outside
of the encoder, which is left as it is. A text is explained as one window; one that is read in several is refused.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Literal, Protocol, get_args, overload

import torch
from torch import Tensor, nn

from bertkit.batching.grouping import group_by_tokens
from bertkit.batching.token_batch import TokenBatch
from bertkit.config.arguments import check_argument
from bertkit.config.explaining import STEPS
from bertkit.config.pooling import Pooling
from bertkit.errors import InputError, UserError, near_match
from bertkit.formats.python_rows import AnyRow, AnyRows, is_one_row
from bertkit.inference.answerer import Answerer, OnError, check_on_error, never, recorded
from bertkit.inference.explanation import (
    AttributionExplanation,
    Explanation,
    HeadsExplanation,
    RolloutExplanation,
    ScoredTokens,
)
from bertkit.inference.gradients import Point, head_importance, integrated_gradients
from bertkit.inference.pipeline import Failure, Request, attempt
from bertkit.model.attention_maps import rollout
from bertkit.model.encoder import Encoder
from bertkit.model.finite import not_finite, weights_of
from bertkit.model.heads import Head
from bertkit.model.network import Network
from bertkit.model.vector_steps import RecipeHead, VectorRecipe
from bertkit.tasks.contract import Outcome, Result, Target, Task, Texts
from bertkit.tokenization.tokenizer import Tokenizer
from bertkit.tokenization.windows import LongText, Window

Kind = Literal["attribution", "rollout", "heads"]
ROWS_AT_ONCE = 32  # rows whose copies share batches: enough to fill them, and an answer is not long in coming
MOST_TOKENS = 8192  # of a batch with gradients, which keeps what every step computed


@dataclass(frozen=True, slots=True)
class Explained:
    """An answer, and its explanation; None where the answer has nothing to explain (a text without entities)."""

    result: Result
    explanation: Explanation | None

    def record(self) -> dict[str, object]:
        """The answer's record with a field `explanation`."""
        return self.result.record() | {"explanation": self.explanation.record() if self.explanation else None}


@dataclass(frozen=True, slots=True)
class _Question:
    """One answer that is to be explained: its target, if the task has one, and the input that it was read in."""

    target: Target | None
    texts: Texts
    window: Window

    @property
    def named(self) -> dict[str, Any]:
        """What every explanation says of what it explains."""
        return {"target": self.target.name if self.target else None, "input": self.target.input if self.target else 0}


class Explainable(Protocol):
    """A model that is ready to answer, as `Explainer` needs it: `bertkit.load(…, explainable=True)` gives one.

    Its attributes are those of `bertkit.Model`.
    """

    task: Task
    tokenizer: Tokenizer
    answerer: Answerer
    explainable: bool
    long: LongText
    batch_tokens: int

    @property
    def network(self) -> Network: ...
    @property
    def encoder(self) -> Encoder: ...
    @property
    def head(self) -> nn.Module | None: ...


class Explainer:
    """A model that explains its answers.

    Args:
        model: loaded with `explainable=True`.
        kind: `attribution`: integrated gradients of the answer's score; `rollout`: attention rollout, which needs no
            score; `heads`: the importance of each attention head to the score.
        target: what to explain instead of the best answer: a label, a candidate label, an entity's or an answer's text,
            a token, the index of a document or choice; `is_next` or `not_next`.
        steps: points that attribution integrates over.

    Raises:
        UserError: the model was not loaded for explanations or reads in windows; the task has no score.
    """

    def __init__(self, model: Explainable, kind: str = "attribution", *, target: str | None = None, steps: int = STEPS):
        check_argument("kind", kind, str)
        check_argument("target", target, str | None)
        check_argument("steps", steps, int)
        if kind not in get_args(Kind):
            hint = near_match(kind, get_args(Kind))
            raise UserError(f"unknown explanation {kind!r}{hint}", f"Choose {', '.join(get_args(Kind))}.")
        if steps < 1:
            raise UserError(f"steps is {steps}", "Choose 1 or more.")
        if not model.explainable:
            raise UserError("the model is laid out for answers only", "Load it with explainable=True.")
        if model.long == LongText.WINDOW:
            raise UserError("explanations are of one window", "Choose --long error or --long truncate.")
        self._gives_vectors = model.head is None or bool(model.task.readout.pooling)
        if self._gives_vectors and (kind != "rollout" or target is not None):
            raise UserError(
                f"{model.task.name} gives a vector, not a score that could be explained",
                "Choose --explain rollout without a target, or a task whose answer has a score.",
            )
        self.model = model
        self.kind = kind
        self.target = target
        self.steps = steps
        self._budget = min(model.batch_tokens, MOST_TOKENS)

    @property
    def task(self) -> Task:
        """The task whose answers are explained."""
        return self.model.task

    @overload
    def explain(self, rows: AnyRow) -> Explained: ...  # type: ignore[overload-overlap]  # a text is also an iterable

    @overload
    def explain(self, rows: AnyRows) -> list[Explained]: ...

    def explain(self, rows: AnyRow | AnyRows) -> Explained | list[Explained]:
        """The answers to all rows and their explanations, in order; rows are as `Model.predict` takes them.

        Raises:
            InputError: at the first row that has no answer.
            NotFinite: a number of an answer or of its explanation is NaN or infinite.
        """
        found = [one for one in self.stream(rows) if isinstance(one, Explained)]
        return found[0] if is_one_row(rows) else found

    def stream(
        self, rows: AnyRow | AnyRows, *, on_error: OnError = "stop", waits: Callable[[], bool] = never
    ) -> Iterator[Explained | Failure]:
        """The answers with their explanations, in order, as they are ready.

        Args:
            on_error: `stop` raises at a bad row; `record` gives a `Failure` in its place and goes on.
            waits: whether the next row would have to be waited for; asked after each.
        """
        check_on_error(on_error)
        return self._stream(rows, on_error, waits)

    def _stream(
        self, rows: AnyRow | AnyRows, on_error: OnError, waits: Callable[[], bool]
    ) -> Iterator[Explained | Failure]:
        answerer = self.model.answerer
        for chunk in answerer.chunks(rows, waits, ROWS_AT_ONCE):
            for one in self._explain(answerer.pipeline.prepare_all(chunk.rows)):
                yield recorded(one, on_error) if isinstance(one, Failure) else one
            if chunk.error is not None:
                raise chunk.error

    def _explain(self, requests: Sequence[Request | Failure]) -> Iterator[Explained | Failure]:
        asked: list[tuple[Result, _Question | None] | Failure] = []
        for request, outcomes in zip(requests, self.model.answerer.outcomes(requests), strict=True):
            if isinstance(request, Request) and not isinstance(outcomes, Failure):
                asked.append(attempt(partial(self._ask, outcomes), request.place))
            else:
                assert isinstance(outcomes, Failure), "a row that failed has no outcomes"
                asked.append(outcomes)
        questions = [one[1] for one in asked if not isinstance(one, Failure) and one[1] is not None]
        found = iter(self._answer(questions))
        for request, one in zip(requests, asked, strict=True):
            if isinstance(one, Failure):
                yield one
            else:
                explained = Explained(one[0], None if one[1] is None else next(found))
                assert isinstance(request, Request), "a row that failed is not explained"
                yield attempt(partial(self._finite, explained), request.place)

    def _finite(self, explained: Explained) -> Explained:
        """The same, unless a number of the explanation is none: the baseline is other tokens than the text's."""
        if explained.explanation is None or explained.explanation.is_finite():
            return explained
        raise not_finite("the explanation", weights_of(encoder=self.model.encoder, head=self.model.head))

    def _ask(self, outcomes: Sequence[Outcome]) -> tuple[Result, _Question | None]:
        """The answer of a row, and what is to be explained of it."""
        result = self.model.answerer.pipeline.result(outcomes)
        target = self.model.task.target(outcomes, result, self.target)
        if target is None and not self._gives_vectors:
            return result, None
        outcome = outcomes[target.input if target else 0]
        (window,) = outcome.encoded.windows
        return result, _Question(target, outcome.texts, window)

    def _answer(self, questions: Sequence[_Question]) -> list[Explanation]:
        if self.kind == "rollout":
            return self._rollouts(questions)
        return self._attributions(questions) if self.kind == "attribution" else self._heads(questions)

    def _attributions(self, questions: Sequence[_Question]) -> list[Explanation]:
        baseline = self._baseline_id()
        name = self.model.tokenizer.token(baseline)
        points = [
            Point(one.window.ids, self._without_text(one.window, baseline), one.window.segments) for one in questions
        ]
        encoder = self.model.encoder

        def score(x_TW: Tensor, batch: TokenBatch, numbers: Sequence[int]) -> Tensor:
            return self._score(questions, encoder.from_vectors(x_TW, batch), batch, numbers)

        found = integrated_gradients(score, encoder.embeddings, points, steps=self.steps, budget=self._budget)
        return [
            AttributionExplanation(
                **one.named,
                scored=self._scored(one, attribution.tokens_L),
                target_score=attribution.score,
                baseline_score=attribution.baseline_score,
                delta=attribution.delta,
                baseline=name,
                steps=self.steps,
            )
            for one, attribution in zip(questions, found, strict=True)
        ]

    def _heads(self, questions: Sequence[_Question]) -> list[Explanation]:
        points = [Point(one.window.ids, one.window.ids, one.window.segments) for one in questions]

        def score(encoder: Encoder, batch: TokenBatch, numbers: Sequence[int]) -> Tensor:
            return self._score(questions, encoder(batch), batch, numbers)

        found = head_importance(score, self.model.encoder, points, budget=self._budget)
        return [
            HeadsExplanation(**one.named, importance_SN=importance_SN, target_score=score)
            for one, (importance_SN, score) in zip(questions, found, strict=True)
        ]

    def _rollouts(self, questions: Sequence[_Question]) -> list[Explanation]:
        found: list[Explanation | None] = [None] * len(questions)
        device = self.model.encoder.embeddings.token.weight.device
        for indices in group_by_tokens([len(one.window.ids) for one in questions], self._budget):
            windows = [questions[index].window for index in indices]
            batch = TokenBatch.pack([w.ids for w in windows], [w.segments for w in windows], device)
            read = [self._read_from(questions[index]) for index in indices]
            starts = [_mean_of(positions, len(w.ids), device) for positions, w in zip(read, windows, strict=True)]
            shares = rollout(self.model.encoder, batch, starts)
            for index, positions, share_1L in zip(indices, read, shares, strict=True):
                one = questions[index]
                scored = self._scored(one, share_1L[0].cpu().numpy())
                found[index] = RolloutExplanation(**one.named, scored=scored, read_from=positions)
        return [explanation for explanation in found if explanation is not None]

    def _score(
        self, questions: Sequence[_Question], hidden_TW: Tensor, batch: TokenBatch, numbers: Sequence[int]
    ) -> Tensor:
        """The target's score of each sequence, (B,) float32, as the head gives it: logits, not probabilities."""
        network = self.model.network
        starts = batch.layout.starts
        by_token = network.readout.rows != "sequence"
        by_mask = network.readout.rows == "mask"
        rows, columns, owners = [], [], []
        for place, number in enumerate(numbers):
            target = questions[number].target
            assert target is not None
            for row, column in target.cells:
                rows.append((starts[place] if by_token else place) + row)
                columns.append(column)
                owners.append(place)
        rows_M, columns_M, owners_M = torch.tensor([rows, columns, owners], device=hidden_TW.device)
        logits_RC = network.logits(hidden_TW, batch.layout, rows_M if by_mask else None)
        places_M = torch.arange(len(rows_M), device=rows_M.device) if by_mask else rows_M
        values_M = logits_RC[places_M, columns_M]
        return torch.zeros(len(numbers), device=values_M.device).index_add(0, owners_M, values_M.float())

    def _baseline_id(self) -> int:
        """The mask: a word that is there and unseen, which models know; a model never learns what padding means."""
        specials = self.model.tokenizer.specials
        baseline = specials.pad if specials.mask is None else specials.mask
        if baseline is None:
            raise InputError("the tokenizer has neither a mask nor a padding token", "Choose another explanation.")
        return baseline

    def _without_text(self, window: Window, baseline: int) -> list[int]:
        """The window's ids with every token of its texts taken out; special tokens stay, those in the texts too."""
        specials = self.model.tokenizer.specials
        kept = (specials.all - {specials.unk}) | {specials.cls, specials.sep}
        ids = list(window.ids)
        for owned in window.owned:
            ids[owned.start : owned.stop] = [ids[place] if ids[place] in kept else baseline for place in owned]
        return ids

    def _read_from(self, one: _Question) -> list[int]:
        """Positions of the output tokens that the answer is read from."""
        head = self.model.head
        everywhere = list(range(len(one.window.ids)))
        if isinstance(head, RecipeHead):
            return _pooled_from(head.recipe, everywhere)
        if head is None:
            return everywhere
        if isinstance(head, Head) and head.reads != "tokens":
            return everywhere if head.reads in ("mean", "late") else [0]
        assert one.target is not None
        return sorted({row for row, _ in one.target.cells})

    def _scored(self, one: _Question, scores_L: Any) -> ScoredTokens:
        return ScoredTokens.of(one.texts, one.window, self.model.tokenizer, scores_L)


def _pooled_from(recipe: VectorRecipe, everywhere: list[int]) -> list[int]:
    """Positions of the tokens that a vector is pooled from."""
    pooled = everywhere[min(recipe.skip, len(everywhere) - 1) :]
    ends: dict[Pooling, int] = {"cls": pooled[0], "lasttoken": pooled[-1]}
    if set(recipe.poolings) <= set(ends):
        return sorted({ends[one] for one in recipe.poolings})
    return pooled


def _mean_of(positions: Sequence[int], length: int, device: torch.device) -> Tensor:
    """The row that takes the mean of these positions, (1, L)."""
    row_1L = torch.zeros(1, length, device=device)
    row_1L[0, list(positions)] = 1.0 / len(positions)
    return row_1L
