"""A model that answers: `bertkit.load(…)`, then `model.predict([…])`."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Literal, TypeVar

import torch

from bertkit.data.rows import Row
from bertkit.errors import BertkitError, InputError, UserError
from bertkit.inference.engine import Engine
from bertkit.inference.precision import choose_dtype, exact_dtype, make_ready
from bertkit.model.device import choose_device
from bertkit.model.encoder import Encoder
from bertkit.pretrained.loading import Pretrained, find_folder, open_pretrained
from bertkit.pretrained.saving import save_pretrained
from bertkit.tasks.contract import Outcome, Reading, Result, Task, Texts
from bertkit.tokenization.tokenizer import Tokenizer
from bertkit.tokenization.tokens import Tokens
from bertkit.tokenization.windows import Encoded, LongText, Window, cut, window_room

AnyRow = str | tuple[str, str] | Mapping[str, object] | Row
BATCH_TOKENS = {"cpu": 2048, "cuda": 32768}
ROWS_AT_ONCE = 1024  # rows that are sorted by length together: enough to fill batches, little enough to stream


@dataclass(frozen=True, slots=True)
class Failure:
    """A row that has no answer, and why."""

    error: BertkitError

    def record(self) -> dict[str, object]:
        """The error as JSON values, in the place of an answer."""
        return self.error.record()


@dataclass(frozen=True, slots=True)
class _Request:
    """The inputs of a row, and their windows."""

    inputs: Sequence[tuple[Texts, Encoded]]

    @property
    def windows(self) -> list[Window]:
        return [window for _, encoded in self.inputs for window in encoded.windows]


class Model:
    """A checkpoint that is ready to answer for one task.

    Args:
        long: what to do with a text that has more tokens than the model reads: `error`, `truncate` or `window`.
        batch_tokens: most tokens of one batch.
        explainable: whether answers can be explained (see `explain.py`): gradients flow through the weights, at the
            price of slower kernels, and texts keep the offsets of their tokens.

    Attributes:
        encoder: the encoder in its precision and on its device; `model.encoder(batch)` is (T, W). Inference only.
        head: the task's head; None where it needs none.
        max_length: tokens one input can have, special tokens included.
    """

    def __init__(
        self,
        pretrained: Pretrained,
        tokenizer: Tokenizer,
        task: Task,
        *,
        device: torch.device,
        dtype: torch.dtype,
        long: LongText = LongText.ERROR,
        batch_tokens: int,
        explainable: bool = False,
    ) -> None:
        self.task = task
        self.tokenizer = tokenizer
        self.encoder: Encoder = pretrained.build_encoder()
        self.source = pretrained.folder
        self.device = str(device)
        self.dtype = str(dtype).removeprefix("torch.")
        self.long = long
        self.max_length = pretrained.max_length(task)
        self.batch_tokens = batch_tokens
        self.explainable = explainable
        self.head = pretrained.build_head(task)
        for part in (self.encoder, self.head):
            if part is not None:
                make_ready(part, device, dtype, gradients=explainable)
        self._engine = Engine(self.encoder, self.head, task, batch_tokens)

    def predict(self, rows: Iterable[AnyRow]) -> list[Result]:
        """The answers to all rows, in order.

        Args:
            rows: each a text, a (text, text_pair), or a mapping of the task's input fields.

        Raises:
            InputError: at the first row that has no answer.
        """
        return [result for result in self.stream(rows) if isinstance(result, Result)]

    def stream(
        self, rows: Iterable[AnyRow], *, on_error: Literal["stop", "record"] = "stop"
    ) -> Iterator[Result | Failure]:
        """The answers, in order, as they are ready: any number of rows in bounded memory.

        Args:
            on_error: `stop` raises at a bad row; `record` gives a `Failure` in its place and goes on.
        """
        numbered = enumerate(rows, 1)
        while chunk := list(islice(numbered, ROWS_AT_ONCE)):
            for one in self.outcomes([as_row(row, number) for number, row in chunk], on_error == "record"):
                yield one if isinstance(one, Failure) else self.result(one)

    def save(self, folder: str | Path) -> None:
        """Write the checkpoint that this model was loaded from as a hub folder, at its stored precision.

        Raises:
            OutputError: the place cannot be written, or is a folder with something in it.
        """
        save_pretrained(open_pretrained(self.source), self.tokenizer, Path(folder))

    def outcomes(self, rows: Sequence[Row], record: bool) -> Iterator[list[Outcome] | Failure]:
        """How each row was read and what the head gives for it, one a row's input; `result` makes it an answer.

        Args:
            record: give a `Failure` in the place of a bad row instead of raising.
        """
        requests = self._prepare(rows, record)
        ready = [request for request in requests if isinstance(request, _Request)]
        outputs = iter(self._engine.run([window for request in ready for window in request.windows]))
        for request in requests:
            if isinstance(request, _Request):
                yield [Outcome(*one, list(islice(outputs, len(one[1].windows)))) for one in request.inputs]
            else:
                yield request

    def _prepare(self, rows: Sequence[Row], record: bool) -> list[_Request | Failure]:
        """Each row's windows, all texts tokenised in one call."""
        read = [attempt(partial(self.task.read, row.fields), row, record) for row in rows]
        tokens = self._tokenize(one for one in read if not isinstance(one, Failure))
        return [
            one if isinstance(one, Failure) else attempt(partial(self._encode, one, tokens), row, record)
            for row, one in zip(rows, read, strict=True)
        ]

    def _tokenize(self, read: Iterable[tuple[Texts, ...]]) -> Mapping[str, Tokens]:
        """The tokens of every text; one that occurs in many inputs (a query, a question) is tokenised once."""
        pairs = [(texts.first, texts.second) for inputs in read for texts in inputs]
        unique = list(dict.fromkeys(text for pair in pairs for text in pair if text is not None))
        offsets = self.task.needs_offsets or self.explainable
        return dict(zip(unique, self.tokenizer.tokenize(unique, offsets=offsets), strict=True))

    def _encode(self, inputs: tuple[Texts, ...], tokens: Mapping[str, Tokens]) -> _Request:
        encoded = []
        for number, texts in enumerate(inputs, 1):
            try:
                encoded.append((texts, self._cut(texts, tokens)))
            except BertkitError as error:
                raise error if len(inputs) == 1 else error.at(f"input {number} of {len(inputs)}") from None
        return _Request(encoded)

    def _cut(self, texts: Texts, tokens: Mapping[str, Tokens]) -> Encoded:
        first = tokens[texts.first]
        second = None if texts.second is None else tokens[texts.second]
        if not first.ids or (second is not None and not second.ids):
            raise InputError("the text is empty: it has no tokens", "Leave the row out, or give it some text.")
        if self.task.overlap is None and self.long == LongText.WINDOW:
            raise InputError(f"{self.task.name} does not read in windows", "Choose --long error or --long truncate.")
        template = self.tokenizer.template
        overlap = self.task.shared_tokens(window_room(first, second, template, self.max_length))
        encoded = cut(first, second, template, limit=self.max_length, long=self.long, overlap=overlap)
        self.task.check(encoded)
        return encoded

    def result(self, outcomes: Sequence[Outcome]) -> Result:
        """The answer of one row."""
        all_encoded = [outcome.encoded for outcome in outcomes]
        reading = Reading(
            input_tokens=sum(encoded.input_tokens for encoded in all_encoded),
            windows=max(len(encoded.windows) for encoded in all_encoded),
            truncated=any(encoded.truncated for encoded in all_encoded),
            dtype=self.dtype,
        )
        return self.task.decode(outcomes, reading)


def load(
    model: str | Path | None = None,
    *,
    task: str | None = None,
    dtype: str = "auto",
    device: str = "auto",
    revision: str | None = None,
    long: str = "error",
    batch_tokens: int | None = None,
    explainable: bool = False,
    **task_options: object,
) -> Model:
    """A model that is ready to answer.

    Args:
        model: a folder or a hub name; None is the embedded default.
        task: one of the hub's task names; None is what the checkpoint's head does, else `sentence-embedding`.
        dtype: `float32`, `bfloat16`, or `auto`: bfloat16 where the device is faster with it.
        device: `cpu`, `cuda`, or `auto`: the GPU where there is one.
        revision: branch, tag or commit of a hub model.
        long: `error`, `truncate` or `window`, for texts longer than the model reads. Text is never cut silently.
        batch_tokens: most tokens of one batch; None chooses for the device.
        explainable: prepare the model for `bertkit.inference.explain`: float32, gradients, slower.
        task_options: what the task's class takes, for example `top_k` of `fill-mask`.

    Raises:
        BertkitError: each subclass says what is wrong and what to do.
    """
    if long not in [policy.value for policy in LongText]:
        raise UserError(f"long is {long!r}", f"Choose {', '.join(LongText)}.")
    pretrained = open_pretrained(find_folder(model, revision))
    tokenizer = pretrained.load_tokenizer()
    place = choose_device(device)
    return Model(
        pretrained,
        tokenizer,
        pretrained.build_task(task, tokenizer, **task_options),
        device=place,
        dtype=exact_dtype(dtype) if explainable else choose_dtype(dtype, place),
        long=LongText(long),
        batch_tokens=batch_tokens or BATCH_TOKENS[place.type],
        explainable=explainable,
    )


def as_row(row: AnyRow, number: int) -> Row:
    """A row as it was given, as fields and the place that its errors begin with."""
    if isinstance(row, Row):
        return row
    place = f"row {number}"
    if isinstance(row, str):
        return Row({"text": row}, place)
    if isinstance(row, tuple):
        return Row(dict(zip(("text", "text_pair"), row, strict=True)), place)
    return Row(row, place)


Value = TypeVar("Value")


def attempt(step: Callable[[], Value], row: Row, record: bool) -> Value | Failure:
    """`step()`, or why the row cannot be answered; raised, unless failures are recorded."""
    try:
        return step()
    except BertkitError as error:
        if record:
            return Failure(error.at(row.place))
        raise error.at(row.place) from None
