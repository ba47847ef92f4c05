"""Explanation, the whole job: a model's answers to rows, and why."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast, overload

from bertkit.config.explaining import ExplainConfig
from bertkit.errors import UserError
from bertkit.formats.python_rows import AnyRow, AnyRows, is_one_row
from bertkit.inference.explain import Explained
from bertkit.inference.model import Model, load
from bertkit.reports.explained_words import explained_html

SHOWN = 20  # explanations in a cell of a notebook


class Explanations(Sequence[Explained]):
    """Answers with their explanations, in the order of the rows.

    Args:
        kind: of the explanations.
        model: what is explained, in words.
    """

    def __init__(self, explained: Sequence[Explained], kind: str, model: str) -> None:
        self._explained = tuple(explained)
        self.kind = kind
        self.model = model

    @overload
    def __getitem__(self, place: int) -> Explained: ...
    @overload
    def __getitem__(self, place: slice) -> Explanations: ...
    def __getitem__(self, place: int | slice) -> Explained | Explanations:
        """The explained answer to one row, or those to several."""
        if isinstance(place, slice):
            return Explanations(self._explained[place], self.kind, self.model)
        return self._explained[place]

    def __len__(self) -> int:
        """How many rows there were."""
        return len(self._explained)

    def records(self) -> list[dict[str, object]]:
        """Each answer's record with a field `explanation`, as `bertkit predict --explain` writes it."""
        return [one.record() for one in self._explained]

    def __repr__(self) -> str:
        """One line: how many of which kind."""
        return f"<bertkit.Explanations {self.kind} of {len(self):,} answers of {self.model}>"

    def _repr_html_(self) -> str:
        """The answers with their words coloured, for a notebook."""
        shown = [_html(number, one) for number, one in enumerate(self._explained[:SHOWN], 1)]
        more = f"<p>and {len(self) - SHOWN:,} more</p>" if len(self) > SHOWN else ""
        return f"<div>{''.join(shown)}{more}</div>"


def _html(number: int, one: Explained) -> str:
    return explained_html(number, repr(one.result), one.explanation.record() if one.explanation else None)


def explain(config: ExplainConfig, rows: AnyRow | AnyRows, *, model: Model | None = None) -> Explanations:
    """Answers rows, and says why.

    Args:
        rows: as `Model.predict` takes them; of one row alone, one explanation comes.
        model: one that is loaded already, in the place of `config.model`; it loads itself again for explanations.

    Raises:
        UserError: the task has no score to explain, or nothing is called as the target is.
        InputError: at the first row that has no answer; it is named.
        ModelNotFound, BadCheckpoint: as the model is.
    """
    if model is None:
        model = load_explainable(config)
    elif config.task not in (None, model.task.name):
        raise UserError(
            f"the model is loaded for {model.task.name}, not for {config.task}", f"Load it with task={config.task!r}."
        )
    several = cast("list[AnyRow]", [rows] if is_one_row(rows) else rows)
    found = model.explain(several, config.kind, target=config.target, steps=config.steps)
    return Explanations(found, config.kind, str(model.source))


def load_explainable(config: ExplainConfig) -> Model:
    """The model that the configuration names, as explanations need it."""
    return load(
        config.model,
        task=config.task,
        long=config.long,
        device=config.device,
        batch_tokens=config.batch_tokens,
        revision=config.revision,
        explainable=True,
    )
