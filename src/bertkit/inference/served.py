"""A model that many ask at once, each in a manner of their own: the one network, and pipelines over it.

What a network computes is settled when it is loaded. How a text is read (long ones in windows, or cut) and what becomes
of the numbers (which labels, how many answers) is not: a pipeline is cheap, so each manner that is asked for has one.
Torch-free; what makes one of a loaded model is in `serving.py`.
"""

from __future__ import annotations

import copy
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Any, Literal

from bertkit.errors import InputError, UserError, near_match
from bertkit.formats.row import Row
from bertkit.inference.backend import Outputs
from bertkit.inference.engine import Engine
from bertkit.inference.pipeline import Failure, Pipeline, Request
from bertkit.pretrained.task_options import remake_task
from bertkit.tasks.contract import Result, Task, Texts
from bertkit.tasks.reading import Reader
from bertkit.tokenization.tokens import Tokens
from bertkit.tokenization.windows import LongText

Side = Literal["left", "right"]
TOKEN_VECTORS = "feature-extraction"
MOST_FILLS = 100  # of a mask, for whoever asks for many
PIPELINES_KEPT = 64  # manners that are remembered, of each model
# Options that a request may set, and the most of those that are numbers. The others are settled by what the network
# computes, or would have one request take any amount of memory.
OPTIONS: Mapping[str, int | None] = {
    "activation": None,
    "aggregation": None,
    "hypothesis_template": None,
    "max_answer_tokens": 512,
    "normalize": None,
    "problem": None,
    "prompt": None,
    "top_k": MOST_FILLS,
    "truncate_dim": 1_000_000,
}
CHARACTERS_A_TOKEN = 4  # about, of text
TOKENISED = 16  # tokens that are tokenised while one is computed, about: what is cut or refused has cost that


@dataclass(frozen=True, slots=True)
class Manner:
    """How rows are to be read and answered.

    Attributes:
        long: what happens to a text that is too long.
        side: where such a text is cut; None is where the model's tokenizer does.
        options: of the task, by name, those that are not as the model was loaded with.
    """

    long: LongText = LongText.ERROR
    side: Side | None = None
    options: tuple[tuple[str, Hashable], ...] = ()

    @classmethod
    def of(cls, long: LongText | str = LongText.ERROR, side: Side | None = None, **options: Any) -> Manner:
        """The manner with these options; those that are None are as the model has them.

        Raises:
            UserError: an option is none that a request may set, or asks for too much.
        """
        given = {name: value for name, value in options.items() if value is not None}
        for name, value in given.items():
            if name not in OPTIONS:
                known = ", ".join(sorted(OPTIONS))
                raise UserError(f"no request sets the option {name!r}{near_match(name, OPTIONS)}", f"These: {known}.")
            if not isinstance(value, str | int | float):
                raise UserError(f"the option {name!r} is neither a word nor a number", "Give it as one.")
            most = OPTIONS[name]
            if most is not None and isinstance(value, int | float) and not value <= most:
                raise UserError(f"{name} is {value}, a server gives at most {most:,}", "Ask for fewer.")
        return cls(LongText(long), side, tuple(sorted(given.items())))


@dataclass(frozen=True, slots=True)
class Facts:
    """What is told of a model.

    Attributes:
        max_length: tokens that one input can have, special tokens included.
        width: numbers of the encoder's vectors.
        prompts: that the checkpoint's files name, their texts.
        source: the folder or the hub name.
    """

    max_length: int
    width: int
    prompts: Mapping[str, str] = field(default_factory=dict)
    source: str = ""


class ServedModel:
    """A network for one task, and the pipelines that read rows for it.

    Args:
        name: that requests call it by.
        engine: computes it.
        task: as it was loaded; the engine's may give more of the best, for those who ask for more.
        facts: what is told of it.
        token_vectors: the same encoder, asked for a vector a token; None where it has no such vectors to give.
    """

    def __init__(
        self, name: str, engine: Engine, task: Task, facts: Facts, token_vectors: ServedModel | None = None
    ) -> None:
        self.name = name
        self.engine = engine
        self.task = task
        self.tokenizer = task.tokenizer
        self.max_length = facts.max_length
        self.prompts = facts.prompts
        self.width = facts.width
        self.source = facts.source
        self.token_vectors = token_vectors
        self.dtype, self.device = engine.backend.dtype, engine.backend.device
        self.pipeline = lru_cache(PIPELINES_KEPT)(self._pipeline)

    def _pipeline(self, manner: Manner) -> Pipeline:
        """Reads and answers in a manner.

        Raises:
            UserError: the task has no such option, or it changes what the network computes.
        """
        tokenizer = self.tokenizer
        if manner.side is not None and manner.side != tokenizer.template.truncation_side:
            tokenizer = copy.copy(tokenizer)
            tokenizer.template = replace(tokenizer.template, truncation_side=manner.side)
        task = self.task
        if manner.options or tokenizer is not self.tokenizer:
            task = remake_task(task, dict(manner.options), tokenizer)
        if replace(task.readout, top_k=0) != replace(self.engine.task.readout, top_k=0):
            names = ", ".join(name for name, _ in manner.options)
            raise UserError(f"{names}: not of a request: it changes what is computed", "Load the model with it.")
        reader = Reader(task, self.max_length, manner.long, offsets=task.needs_offsets)
        return Pipeline(reader, self.dtype, self.engine.backend.blame)

    def request_of_ids(self, ids: Sequence[int], manner: Manner, place: str) -> Request:
        """One input whose tokens are known already, special tokens around it or not.

        Raises:
            InputError: the vocabulary has no such token, or there is none beside the special tokens.
            TextTooLong: it is too long, and is not to be cut.
        """
        wrong = next((id for id in ids if not 0 <= id < self.tokenizer.vocab_size), None)
        if wrong is not None:
            raise InputError(
                f"no token has the id {wrong}; this model's are 0 to {self.tokenizer.vocab_size - 1:,}",
                "Send text, or the ids that this model's own tokenizer gives (POST /tokenize).",
            )
        reader = self.pipeline(manner).reader
        frame = reader.task.tokenizer.template.single
        own = list(ids)
        prefix, suffix = frame.prefix.ids, frame.suffix.ids
        if prefix and own[: len(prefix)] == prefix:
            own = own[len(prefix) :]
        if suffix and own[-len(suffix) :] == suffix:
            own = own[: -len(suffix)]
        prompt = getattr(reader.task, "prompt", "")
        if own and prompt:
            own = [*self.tokenizer.tokenize([prompt])[0].ids, *own]
        text = Texts("")
        return Request(place, list(zip([text], reader.encode([text], {"": Tokens(own)}), strict=True)))

    def finish(self, pipeline: Pipeline, request: Request, outputs: Sequence[Outputs]) -> Result:
        """The answer of a request.

        Raises:
            NotFinite: as `Pipeline.outcomes`.
        """
        most = pipeline.task.readout.top_k
        if most and most != self.engine.task.readout.top_k:
            outputs = [tuple(part[:, :most] for part in parts) for parts in outputs]
        return pipeline.finish(request, outputs)

    def demand(self, rows: Sequence[Row | Failure], manner: Manner) -> int:
        """How many tokens rows are about, before anything is done with them."""
        tokens = 0
        for row in rows:
            if isinstance(row, Row):
                tokens += sum(self._about(texts, manner.long) for texts in self._read(row))
        return tokens

    def _read(self, row: Row) -> Sequence[Texts]:
        try:
            return self.task.read(row.fields)
        except UserError:  # said again where the row is prepared
            return ()

    def _about(self, texts: Texts, long: LongText) -> int:
        first, second = (len(text or "") // CHARACTERS_A_TOKEN + 1 for text in (texts.first, texts.second))
        tokens = 3 + first + (0 if texts.second is None else second)
        if tokens <= self.max_length or long != LongText.WINDOW:
            return min(tokens, self.max_length + tokens // TOKENISED)
        if texts.second is None:
            return tokens
        room = max(self.max_length - 3 - min(first, second), 1)  # what each window has for the longer text
        return self.max_length * (max(first, second) // room + 1)
