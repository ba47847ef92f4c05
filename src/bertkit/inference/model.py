"""A model that answers: `bertkit.load(…)`, then `model.predict([…])`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Literal

import torch

from bertkit.errors import UserError
from bertkit.inference.answerer import Answerer, AnyRow, Failure
from bertkit.inference.engine import Engine
from bertkit.inference.precision import choose_dtype, exact_dtype, make_ready
from bertkit.model.device import choose_device
from bertkit.model.encoder import Encoder
from bertkit.pretrained.loading import Pretrained, find_folder, open_pretrained
from bertkit.pretrained.saving import save_pretrained
from bertkit.tasks.contract import Result, Task
from bertkit.tasks.reading import Reader
from bertkit.tokenization.tokenizer import Tokenizer
from bertkit.tokenization.windows import LongText

BATCH_TOKENS = {"cpu": 2048, "cuda": 32768}


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
        answerer: what answers rows.
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
        self.source = pretrained.source
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
        engine = Engine(self.encoder, self.head, task, batch_tokens)
        reader = Reader(task, self.max_length, long, offsets=explainable or task.needs_offsets)
        self.answerer = Answerer(engine, reader, self.dtype)

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
        return self.answerer.stream(rows, on_error=on_error)

    def save(self, folder: str | Path) -> None:
        """Write the checkpoint that this model was loaded from as a hub folder, at its stored precision.

        Raises:
            OutputError: the place cannot be written, or is a folder with something in it.
        """
        save_pretrained(open_pretrained(self.source), self.tokenizer, Path(folder))


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
    prompt: str | None = None,
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
        prompt: the name of one of the model's prompts, which is put before every text; the model's default when left
            out. `query` and `document` also choose among the encoders of a model that has one for each.
        task_options: what the task's class takes, for example `top_k` of `fill-mask`.

    Raises:
        BertkitError: each subclass says what is wrong and what to do.
    """
    if long not in [policy.value for policy in LongText]:
        raise UserError(f"long is {long!r}", f"Choose {', '.join(LongText)}.")
    pretrained = open_pretrained(find_folder(model, revision, task), prompt)
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
