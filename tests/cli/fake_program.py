"""The real command line over a model made of nothing, so that tests of the command line need neither torch nor weights.

As a script it is `bertkit` itself with that model: `python fake_program.py predict "a text"`.
"""

from __future__ import annotations

import signal
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

from bertkit.errors import BertkitError, InputError, ModelNotFound
from bertkit.formats.rows import Row
from bertkit.tasks.catalogue import TASKS

LOADED: list[dict[str, Any]] = []  # the arguments of each call of `load`


@dataclass(frozen=True)
class Failure:
    error: BertkitError


@dataclass(frozen=True)
class Result:
    fields: dict[str, object]

    def record(self) -> dict[str, object]:
        tokens = sum(len(str(text).split()) for text in self.fields.values()) + 2
        reading = {"windows": 3 if self.fields["text"] == "long" else 1, "truncated": self.fields["text"] == "cut"}
        return {**self._answer(), "input_tokens": tokens, **reading, "dtype": "float32"}

    def _answer(self) -> dict[str, object]:
        text = str(self.fields["text"])
        match LOADED[-1].get("task"):
            case "fill-mask":
                fill = {"token": "paris", "id": 3000, "score": 0.5, "sequence": text.replace("[MASK]", "paris")}
                return {"fills": [[fill, {**fill, "token": "rome", "score": 0.25}]] * text.count("[MASK]")}
            case "next-sentence-prediction":
                return {"is_next": 0.75}
            case "feature-extraction":
                words = text.split()
                return {"tokens": words, "offsets": [(0, 1)] * len(words), "vectors": [[0.5, -1.5]] * len(words)}
            case "text-classification":
                return {"labels": [{"label": "positive", "score": 0.75}, {"label": "negative", "score": 0.25}]}
            case "regression":
                return {"value": 3.25}
            case "token-classification":
                entity = {"label": "PER", "score": 0.5, "text": text[:3], "start": 0, "end": 3}
                return {"entities": [entity] if text.startswith("Ada") else []}
            case "question-answering":
                answer = {"answer": text[:3], "score": 0.75, "start": 0, "end": 3}
                return {"answers": [answer], "no_answer_score": 0.125}
            case "text-ranking":
                return {"ranking": [{"index": 1, "score": 0.5}, {"index": 0, "score": -0.25}]}
            case "multiple-choice":
                return {"choices": [{"index": 1, "score": 0.75}, {"index": 0, "score": 0.25}]}
            case "new-task":
                return {"answer": text, "question": self.fields.get("question")}
        value = float("nan") if text == "nan" else float(len(text))
        return {"embedding": [value, 1.0, text.count("a") + 0.1]}


@dataclass(frozen=True)
class Task:
    name: str
    fields: tuple[str, ...] = ("text", "text_pair")


class Model:
    source = Path(__file__).parent / "no weights"
    dtype = "float32"

    @property
    def task(self) -> Task:
        name = LOADED[-1].get("task")
        return Task(name if name in TASKS else "feature-extraction")

    def predict(self, rows: Iterable[Row | str]) -> list[Result]:
        return [result for result in self.stream(rows) if isinstance(result, Result)]

    def stream(
        self, rows: Iterable[Row | str], *, on_error: str = "stop", waits: Callable[[], bool] | None = None
    ) -> Iterator[Result | Failure]:
        """Takes two rows at a time, as a batch would."""
        batch: list[Result | Failure] = []
        for number, row in enumerate(rows, 1):
            batch.append(self._result(row if isinstance(row, Row) else Row({"text": row}, f"row {number}"), on_error))
            if len(batch) == 2:
                yield from batch
                batch = []
        yield from batch

    def _result(self, row: Row, on_error: str) -> Result | Failure:
        text = row.fields.get("text")
        if text == "slow":
            time.sleep(60)
        if text == "defect":
            raise ZeroDivisionError("a defect")
        if isinstance(text, str) and text != "bad":
            return Result(dict(row.fields))
        error = InputError(f"{row.place}: no usable text")
        if on_error == "stop":
            raise error
        return Failure(error)


def load(model: str | None = None, **settings: Any) -> Model:
    if model == "missing":
        raise ModelNotFound("missing: no such model")
    LOADED.append({"model": model, **settings})
    return Model()


def fake_inference() -> dict[str, ModuleType]:
    """What stands in for the modules of `bertkit.inference`, by their names."""
    names = {"model": {"Model": Model, "load": load}, "pipeline": {"Failure": Failure}}
    fakes = {f"bertkit.inference.{name}": ModuleType(name) for name in names}
    for fake, values in zip(fakes.values(), names.values(), strict=True):
        fake.__dict__.update(values)
    return fakes


if __name__ == "__main__":
    sys.modules.update(fake_inference())
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a test run in the background ignores it otherwise

    from bertkit.cli.main import main

    sys.exit(main())
