"""A model that answers: `bertkit.load(…)`, then `model.predict([…])`. Torch-free, where another back end is given."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping, Sized
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, Generic, Literal, cast, get_type_hints, overload

import numpy as np
import numpy.typing as npt
from typing_extensions import TypeVar  # Python's own has no defaults before 3.13

from bertkit.config.arguments import check_argument
from bertkit.config.batch_tokens import batch_tokens as tokens_of_batch
from bertkit.config.explaining import STEPS
from bertkit.config.wording import worded
from bertkit.formats.python_rows import AnyRow, AnyRows, is_one_row
from bertkit.inference.answerer import Answerer, OnError, check_on_error, never
from bertkit.inference.as_arrays import check_gives_probabilities, check_gives_vectors, probabilities, vectors
from bertkit.inference.backend import Backend
from bertkit.inference.backends import BatchTokens, MakeBackend, RunOptions, open_backend
from bertkit.inference.counted import counted
from bertkit.inference.engine import Engine
from bertkit.inference.pipeline import Failure
from bertkit.pretrained.checkpoint import Pretrained
from bertkit.pretrained.loading import open_pretrained, open_reader
from bertkit.tasks.catalogue import find_task
from bertkit.tasks.contract import Result, Task
from bertkit.tasks.feature_extraction import TokenVectors
from bertkit.tasks.fill_mask import Fills
from bertkit.tasks.multiple_choice import Choices
from bertkit.tasks.next_sentence_prediction import IsNext
from bertkit.tasks.question_answering import Answers
from bertkit.tasks.reading import Reader
from bertkit.tasks.scoring import Labels
from bertkit.tasks.sentence_embedding import Embedding
from bertkit.tasks.text_classification import Value
from bertkit.tasks.text_ranking import Ranking
from bertkit.tasks.token_classification import Entities
from bertkit.tokenization.windows import LongText
from bertkit.vectors.quantising import Stored

if TYPE_CHECKING:
    import torch
    from torch import nn

    from bertkit.inference.explain import Explained
    from bertkit.model.encoder import Encoder
    from bertkit.model.network import Network

Source = str | Path | None
Answer = TypeVar("Answer", bound=Result, covariant=True, default=Result)


class Model(Generic[Answer]):
    """A checkpoint that is ready to answer for one task.

    Any number of threads may use one model at once, whatever they do with it: nothing that one calls changes it.

    Args:
        reader: reads rows for the task.
        backend: what computes the network.
        batch_tokens: most tokens of one batch.
        explainable: whether answers can be explained (see `explain.py`): gradients flow through the weights, at the
            price of slower kernels, and texts keep the offsets of their tokens.

    Attributes:
        answerer: what answers rows.
        long: what is done with a text that has more tokens than the model reads: `error`, `truncate` or `window`.
        max_length: tokens one input can have, special tokens included.
        width: numbers of the encoder's vectors.
    """

    def __init__(
        self,
        pretrained: Pretrained,
        reader: Reader,
        backend: Backend,
        *,
        batch_tokens: int,
        explainable: bool = False,
    ) -> None:
        self.task: Task = reader.task
        self.tokenizer = reader.task.tokenizer
        self.source = pretrained.source
        self._prompt = pretrained.prompt
        self.device = backend.device
        self.dtype = backend.dtype
        self.long = reader.long
        self.max_length = reader.limit
        self.width = pretrained.config.width
        self.batch_tokens = batch_tokens
        self.explainable = explainable
        self._reader = replace(reader, offsets=reader.offsets or explainable)
        self.answerer = Answerer(Engine(backend, self.task, batch_tokens), self._reader)

    @property
    def network(self) -> Network:
        """The encoder, the task's head, and what is read of them.

        Raises:
            UserError: another back end than torch computes it.
        """
        from bertkit.inference.torch_backend import network_of

        return network_of(self.answerer.engine.backend)

    @property
    def encoder(self) -> Encoder:
        """The encoder in its precision and on its device; `model.encoder(batch)` is (T, W). Inference only."""
        return self.network.encoder

    @property
    def head(self) -> nn.Module | None:
        """The task's head; None where the encoder's own vectors are the answer."""
        return self.network.head

    def __repr__(self) -> str:
        """What it does, where it comes from and how it runs, in a line."""
        facts = f"{self.width:,} wide, reads {self.max_length:,} tokens, {self.dtype} on {self.device}"
        return f"<bertkit.Model {self.task.name} of {str(self.source)!r}: {facts}>"

    # A text is one row, and also an iterable of letters: what comes first wins, for mypy as when it is called.
    @overload
    def predict(self, rows: AnyRow, *, on_error: Literal["stop"] = "stop") -> Answer: ...  # type: ignore[overload-overlap]
    @overload
    def predict(self, rows: AnyRow, *, on_error: OnError) -> Answer | Failure: ...  # type: ignore[overload-overlap]
    @overload
    def predict(self, rows: AnyRows, *, on_error: Literal["stop"] = "stop") -> list[Answer]: ...
    @overload
    def predict(self, rows: AnyRows, *, on_error: OnError) -> list[Answer | Failure]: ...
    @worded
    def predict(
        self, rows: AnyRow | AnyRows, *, on_error: OnError = "stop"
    ) -> Answer | Failure | list[Answer] | list[Answer | Failure]:
        """The answers to all rows, in order; to one row alone, its answer.

        A row is a text; a tuple of the task's fields in their order, such as (text, text_pair) or (question, context);
        or a mapping of them, whose other names are not read. A tuple by itself is therefore one row.

        Args:
            rows: one row, or several: any iterable of rows, each text of a column, or a table, whose columns are the
                fields: a frame of pandas, or what speaks Arrow, such as a frame of polars.
            on_error: `stop` raises at a bad row; `record` gives a `Failure` in its place and goes on.

        Raises:
            InputError: at the first row that has no answer, where failures are not recorded; it is named.
            NotFinite: likewise, at a row for which the model computes NaN or infinity.
        """
        found = list(self.stream(rows, on_error=on_error))
        return found[0] if is_one_row(rows) else found

    @overload
    def stream(
        self, rows: AnyRow | AnyRows, *, on_error: Literal["stop"] = "stop", waits: Callable[[], bool] = never
    ) -> Iterator[Answer]: ...
    @overload
    def stream(
        self, rows: AnyRow | AnyRows, *, on_error: OnError, waits: Callable[[], bool] = never
    ) -> Iterator[Answer | Failure]: ...
    def stream(
        self, rows: AnyRow | AnyRows, *, on_error: OnError = "stop", waits: Callable[[], bool] = never
    ) -> Iterator[Answer | Failure]:
        """The answers, in order, as they are ready: any number of rows in bounded memory.

        Rows are answered together, as many as fill some batches; sooner where the next one is slow to come.

        Args:
            rows: as `predict` takes them; of one row, one answer comes.
            on_error: `stop` raises at a bad row, when those before it are answered; `record` gives a `Failure` in its
                place and goes on.
            waits: whether the next row would have to be waited for; asked after each.

        Raises:
            UserError: `on_error` is another word.
            InputError: at the first row that has no answer, where failures are not recorded; it is named.
        """
        check_on_error(on_error)
        return cast("Iterator[Answer | Failure]", self.answerer.stream(rows, on_error=on_error, waits=waits))

    def save(self, folder: str | Path) -> None:
        """Write the checkpoint that this model was loaded from as a hub folder, at its stored precision.

        Raises:
            OutputError: the place cannot be written, or is a folder with something in it.
        """
        from bertkit.pretrained.saving import save_pretrained

        save_pretrained(open_pretrained(self.source), self.tokenizer, Path(folder))

    @property
    def labels(self) -> tuple[str, ...]:
        """What the classes of a classifier of texts or of tokens are called, in their order; empty of other tasks."""
        return self.task.labels

    @worded
    def encode(
        self, texts: AnyRow | AnyRows, batch_tokens: BatchTokens | None = None, show_progress: bool = False
    ) -> Stored:
        """The vectors of texts, (N, W) float32, in their order; of one text alone its vector, (W,).

        A model that was loaded with another `precision` gives the vectors as `quantize_embeddings` would.

        Args:
            texts: as `predict` takes rows.
            batch_tokens: most tokens of one batch; those of the model when left out.
            show_progress: count the texts on standard error.

        Raises:
            UserError: the model is loaded for another task than sentence-embedding.
            InputError: at the first text that has no vector; it is named.
        """
        check_gives_vectors(self.task)
        check_argument("batch_tokens", batch_tokens, BatchTokens | None)
        answerer = self.answerer
        if batch_tokens is not None:
            answerer = Answerer(Engine(answerer.engine.backend, self.task, batch_tokens), self._reader)
        one = is_one_row(texts)
        count = len(texts) if isinstance(texts, Sized) and not one else None
        found = cast("Iterator[Embedding]", answerer.stream(texts))
        vectors_NW = vectors(counted(found, "texts", count) if show_progress else found, count)
        if vectors_NW is None:  # no text at all: as wide as that of any
            return self.encode(["a text"])[:0]
        return vectors_NW[0] if one else vectors_NW

    @worded
    def predict_proba(self, rows: AnyRow | AnyRows) -> npt.NDArray[np.float64]:
        """The probability of each label for each row, (N, C), in the order of `labels`; of one row alone (C,).

        Of single labels a row's sum is 1; of several each has its own. They are the scores that `predict` gives.

        Args:
            rows: as `predict` takes them.

        Raises:
            UserError: the model does not classify texts, or is a regression.
            InputError: at the first row that has no answer; it is named.
        """
        check_gives_probabilities(self.task)
        scores_NC = probabilities(cast("Iterator[Labels]", self.stream(rows)), self.labels)
        return scores_NC[0] if is_one_row(rows) else scores_NC

    @overload
    def explain(  # type: ignore[overload-overlap]
        self, rows: AnyRow, kind: str = "attribution", *, target: str | None = None, steps: int = STEPS
    ) -> Explained: ...
    @overload
    def explain(
        self, rows: AnyRows, kind: str = "attribution", *, target: str | None = None, steps: int = STEPS
    ) -> list[Explained]: ...
    @worded
    def explain(
        self, rows: AnyRow | AnyRows, kind: str = "attribution", *, target: str | None = None, steps: int = STEPS
    ) -> Explained | list[Explained]:
        """The answers to all rows and why, in order; to one row alone, its own.

        A model that was loaded for answers only loads itself again for explanations (float32, gradients, slower), once.

        Args:
            kind: `attribution`, `rollout` or `heads`.
            target: what to explain instead of the best answer, such as a label.
            steps: points that attribution integrates over.

        Raises:
            UserError: the task has no score, or nothing is called as the target is.
            InputError: at the first row that has no answer; a text that is read in several windows has no explanation.
            ModelNotFound, BadCheckpoint: the checkpoint is not where it was any more.
        """
        from bertkit.inference.explain import Explainer

        return Explainer(self._explainable, kind, target=target, steps=steps).explain(rows)

    @cached_property
    def _explainable(self) -> Model:
        """The same model, so that its answers can be explained; a text is then one window."""
        if self.explainable and self.long != LongText.WINDOW:
            return self

        pretrained = open_pretrained(self.source, self._prompt)
        long = LongText.ERROR if self.long == LongText.WINDOW else self.long
        return Model(
            pretrained,
            replace(self._reader, long=long),
            open_backend(pretrained, self.task, device=self.device, explainable=True),
            batch_tokens=self.batch_tokens,
            explainable=True,
        )


# What a task answers, for those who name it; `options` are those of the last one.
@overload
def load(model: Source = None, *, task: Literal["sentence-embedding"], **options: Any) -> Model[Embedding]: ...
@overload
def load(model: Source = None, *, task: Literal["feature-extraction"], **options: Any) -> Model[TokenVectors]: ...
@overload
def load(model: Source = None, *, task: Literal["text-classification"], **options: Any) -> Model[Labels | Value]: ...
@overload
def load(model: Source = None, *, task: Literal["zero-shot-classification"], **options: Any) -> Model[Labels]: ...
@overload
def load(model: Source = None, *, task: Literal["token-classification"], **options: Any) -> Model[Entities]: ...
@overload
def load(model: Source = None, *, task: Literal["question-answering"], **options: Any) -> Model[Answers]: ...
@overload
def load(model: Source = None, *, task: Literal["text-ranking"], **options: Any) -> Model[Ranking]: ...
@overload
def load(model: Source = None, *, task: Literal["multiple-choice"], **options: Any) -> Model[Choices]: ...
@overload
def load(model: Source = None, *, task: Literal["fill-mask"], **options: Any) -> Model[Fills]: ...
@overload
def load(model: Source = None, *, task: Literal["next-sentence-prediction"], **options: Any) -> Model[IsNext]: ...
@overload
def load(
    model: Source = None,
    *,
    task: str | None = None,
    dtype: str | torch.dtype = "auto",
    device: str | torch.device = "auto",
    revision: str | None = None,
    long: str = "error",
    prompt: str | None = None,
    batch_tokens: BatchTokens | None = None,
    explainable: bool = False,
    invariant: bool = False,
    backend: str | MakeBackend | None = None,
    **task_options: object,
) -> Model: ...
def load(
    model: Source = None,
    *,
    task: str | None = None,
    dtype: str | torch.dtype = "auto",
    device: str | torch.device = "auto",
    revision: str | None = None,
    long: str = "error",
    prompt: str | None = None,
    **options: Any,
) -> Model:
    """A model that is ready to answer.

    Args:
        model: a folder or a hub name; None is the built-in default.
        task: one of the hub's task names; None is what the checkpoint's head does, else `sentence-embedding`.
        dtype: `float32`, `bfloat16`, `float16`, `int8`, or `auto`: what the device is fastest in, int8 where weights
            are; torch's own will do. This and `device` are for torch: another back end has its own.
        device: `cpu`, `cuda` (also AMD's GPUs), `mps` (Apple's), or `auto`: a GPU where there is one; torch's own will
            do.
        revision: branch, tag or commit of a hub model.
        long: `error`, `truncate` or `window`, for texts longer than the model reads. Text is never cut silently.
        prompt: the name of one of the model's prompts, which is put before every text; the model's default when left
            out. `query` and `document` also choose among the encoders of a model that has one for each.
        options: of how it runs, see `RunOptions`; and what the task's class takes, for example `top_k` of `fill-mask`.

    Raises:
        BertkitError: each subclass says what is wrong and what to do.
    """
    given = {"model": model, "task": task, "dtype": dtype, "device": device, "revision": revision, "long": long}
    run: RunOptions = {name: options.pop(name) for name in RunOptions.__annotations__ if name in options}  # type: ignore[assignment]
    _check(given | {"prompt": prompt} | run)
    explainable = run.get("explainable", False)
    pretrained, reader = open_reader(model, task=task, revision=revision, long=long, prompt=prompt, **options)
    backend = open_backend(
        pretrained,
        reader.task,
        run.get("backend"),
        dtype=str(dtype).removeprefix("torch."),
        device=str(device),
        explainable=explainable,
        invariant=run.get("invariant", False),
    )
    at_once = run.get("batch_tokens") or tokens_of_batch("answer", backend.device.partition(":")[0])
    return Model(pretrained, reader, backend, batch_tokens=at_once, explainable=explainable)


def _check(given: Mapping[str, object]) -> None:
    """Refuses arguments of `load` that are not of the types that it declares."""
    # Where torch is not imported, nothing that is given can be of one of its types.
    known = {"torch": sys.modules.get("torch") or SimpleNamespace(dtype=str, device=str)}
    declared = get_type_hints(load, localns=known, include_extras=True)
    declared |= get_type_hints(RunOptions, include_extras=True)
    for name, value in given.items():
        check_argument(name, value, declared[name])
    if given["task"] is not None:
        find_task(str(given["task"]))
