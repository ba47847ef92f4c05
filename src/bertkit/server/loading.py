"""The models that a server is started with, loaded and called by names."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bertkit.errors import BertkitError, UserError
from bertkit.inference.served import ServedModel
from bertkit.tasks.catalogue import TASKS

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")


@dataclass(frozen=True, slots=True)
class ModelSpec:
    """A model that is to be served.

    Attributes:
        name: that requests call it by.
        source: a folder or a hub name; None is the built-in default of the task.
        task: None is what the checkpoint's head does.
        options: of `bertkit.load`, for this one.
    """

    name: str
    source: str | None = None
    task: str | None = None
    options: Mapping[str, Any] = field(default_factory=dict)


# Without -m: what comes with the package, each by what it gives.
BUILT_IN = (
    ModelSpec("embeddings", task="sentence-embedding"),
    ModelSpec("sentiment", task="text-classification"),
    ModelSpec("entities", task="token-classification"),
    ModelSpec("questions", task="question-answering"),
    ModelSpec("masks", task="fill-mask"),
)


def read_spec(text: str) -> ModelSpec:
    """What `FOLDER`, `NAME=FOLDER` or `NAME=FOLDER@TASK` says. Without a name it is called as its folder is.

    Raises:
        UserError: it cannot be called so in a request.
    """
    name, equals, source = text.partition("=")
    if not equals or Path(text).exists():
        name, source = "", text
    task = None
    if not Path(source).exists():
        before, at, behind = source.rpartition("@")
        if at and behind in TASKS:
            source, task = before, behind
    name = name or Path(source).resolve().name
    if not NAME.fullmatch(name):
        raise UserError(
            f"a model cannot be called {name!r} in a request", "Name it with letters, digits, . _ or -: -m NAME=FOLDER."
        )
    return ModelSpec(name, source, task)


def read_specs(texts: Sequence[str], *more: ModelSpec) -> tuple[ModelSpec, ...]:
    """The models that are named, or those that come with the package.

    Args:
        more: served besides.

    Raises:
        UserError: two are called alike, or as `read_spec`.
    """
    specs = (*(tuple(read_spec(text) for text in texts) or BUILT_IN), *more)
    names = [spec.name for spec in specs]
    twice = next((name for place, name in enumerate(names) if name in names[:place]), None)
    if twice is not None:
        raise UserError(f"two models are called {twice!r}", "Name them: -m NAME=FOLDER.")
    return specs


def load_models(
    specs: Sequence[ModelSpec], options: dict[str, Any], told: Callable[[ServedModel], None] = lambda model: None
) -> list[ServedModel]:
    """Each model, ready to answer; what of their weights is equal is in memory once.

    Args:
        options: of `bertkit.load`, for all of them.
        told: is called with each as soon as it is loaded.

    Raises:
        BertkitError: one cannot be loaded; it is named.
    """
    from bertkit.inference.serving import SharedWeights, load_served

    models, weights = [], SharedWeights()
    for spec in specs:
        try:
            models.append(load_served(spec.name, spec.source, spec.task, weights, **{**options, **spec.options}))
        except BertkitError as error:
            raise error.at(f"model {spec.name}") from None
        told(models[-1])
    return models
