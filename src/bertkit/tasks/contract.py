"""What a task is: what it reads from a row, what of a network it needs, and what it answers.

A task is numpy only: it asks for numbers by a `Readout`, and does not know who computes them. It never sees a batch's
order or its neighbours: the engine packs, runs and sorts back.
Shapes: `W` width, `C` numbers of a head, `R` rows of output (one a window, one a token, one a mask …).
"""

from __future__ import annotations

import inspect
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, ClassVar

import numpy as np
import numpy.typing as npt

from bertkit.config.readout import Final, Readout
from bertkit.errors import InputError, UserError, near_match
from bertkit.families.labels import Problem
from bertkit.tasks.shown import shown, shown_fields

if TYPE_CHECKING:
    from bertkit.tokenization.tokenizer import Tokenizer
    from bertkit.tokenization.windows import Encoded, Window

Array = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Texts:
    """One input of the model: a text, or a pair of texts. Most tasks read one from a row, some several.

    Attributes:
        name: what a task calls this one of several by; no model reads it.
    """

    first: str
    second: str | None = None
    name: str = ""


@dataclass(frozen=True, slots=True)
class Outcome:
    """One input of the model, how it was read, and the task's outputs for each of its windows."""

    texts: Texts
    encoded: Encoded
    outputs: Sequence[tuple[Array, ...]]

    @property
    def owned(self) -> Iterator[tuple[Window, range, tuple[Array, ...]]]:
        """The last text in the windows that it was read in: each window, the positions it owns, and its outputs."""
        for window, output in zip(self.encoded.windows, self.outputs, strict=True):
            yield window, window.owned[-1], output


@dataclass(frozen=True, slots=True)
class Reading:
    """How a row's text was read.

    Attributes:
        input_tokens: tokens of the whole text, special tokens included, whether or not they were all read; of a row
            that is read as several inputs, the sum of theirs.
        windows: pieces that a long text was read in; 1 where everything fits. Of several inputs, the most.
        truncated: whether part of a text was dropped (only ever with `long="truncate"`).
        dtype: the precision it was computed in.
    """

    input_tokens: int
    windows: int
    truncated: bool
    dtype: str


@dataclass(frozen=True, kw_only=True)
class Result(ABC):
    """One answer. Each task adds its own fields."""

    reading: Reading

    def __init_subclass__(cls) -> None:
        if "__repr__" not in vars(cls):  # else each dataclass makes one, of all its numbers
            cls.__repr__ = Result.__repr__  # type: ignore[method-assign]

    def __repr__(self) -> str:
        """One line: the task's own fields, of long ones the beginning, and how much text was read."""
        more = f"input_tokens={self.reading.input_tokens}" + (", truncated=True" if self.reading.truncated else "")
        return shown_fields(self, without=("reading",), more=more)

    def record(self) -> dict[str, object]:
        """The answer as JSON values: the task's own fields first, then how the text was read."""
        return self.answer() | asdict(self.reading)

    @abstractmethod
    def answer(self) -> dict[str, object]:
        """The task's own fields as JSON values."""


@dataclass(frozen=True, slots=True)
class Target:
    """The score behind an answer, for an explanation: a sum of numbers that the head gives.

    Attributes:
        name: what the answer calls it.
        cells: row and column of each number; the row is a token's position in its window where the head gives a row a
            token, else 0.
        input: which of the row's inputs it is the score of.
    """

    name: str
    cells: tuple[tuple[int, int], ...]
    input: int = 0


class Task(ABC):
    """One job over an encoder. Subclasses are final; a task does not know other tasks.

    Attributes:
        name: the hub's name of the task.
        fields: that it reads from a row, in the order that a tuple has their values.
        head_name: which of a family's heads it needs; None where the encoder alone is enough.
        classes: numbers that the head gives for each row.
        labels: what those numbers stand for, where they have names.
        problem: which of several problems it is posed as, where it is; None for other tasks.
        made_with: the options that it was made with, by name.
        readout: what it reads of a network.
        needs_offsets: whether answers point into the user's text.
        overlap: share of a window that the next one repeats when a long text is read in windows; None where reading in
            windows makes no sense for the task.
    """

    name: ClassVar[str]
    fields: ClassVar[tuple[str, ...]] = ("text", "text_pair")
    head_name: ClassVar[str | None] = None
    needs_offsets: ClassVar[bool] = False
    overlap: ClassVar[float | None] = 0.0

    classes: int = 0
    labels: tuple[str, ...] = ()
    problem: Problem | None = None
    made_with: Mapping[str, object] = MappingProxyType({})

    def __init__(self, tokenizer: Tokenizer) -> None:
        self.tokenizer = tokenizer

    def __repr__(self) -> str:
        """The options that it was made with."""
        known = {name: vars(self).get(name) for name in inspect.signature(type(self)).parameters if name != "tokenizer"}
        options = [f"{name}={shown(value)}" for name, value in known.items() if value is not None]
        return f"{type(self).__name__}({', '.join(options)})"

    @classmethod
    def suits(cls, config: Mapping[str, object], rows: int) -> bool:
        """Whether a checkpoint that has the head is made for this task; it may still be asked for.

        Args:
            config: the checkpoint's `config.json`.
            rows: of the head's last layer, 0 where that is the encoder's token table.
        """
        return True

    @classmethod
    def options(cls, config: Mapping[str, object], rows: int) -> dict[str, object]:
        """What `config.json` says about the task's own options; what a caller gives goes before it.

        Args:
            config: the checkpoint's `config.json`.
            rows: of the last layer of the task's head, 0 where there is none.

        Raises:
            ConfigError: a value cannot be used.
        """
        return {}

    def read(self, fields: Mapping[str, object]) -> tuple[Texts, ...]:
        """The inputs of one row, at least one.

        Raises:
            InputError: a field is missing or is not what the task reads.
        """
        return (Texts(text_field(fields, "text"), optional_text_field(fields, "text_pair")),)

    def shared_tokens(self, room: int) -> int:
        """How many tokens neighbouring windows share.

        Args:
            room: tokens that a window has for the text that is read in windows.

        Raises:
            UserError: more than a window can share.
        """
        return int((self.overlap or 0.0) * max(room, 0))

    def check(self, encoded: Encoded) -> None:
        """Refuse a text that the task has no answer for.

        Raises:
            InputError: saying why.
        """
        return

    @property
    @abstractmethod
    def readout(self) -> Readout:
        """What of a network it needs for each window."""

    @property
    def final(self) -> Final | None:
        """What becomes of the outputs of a text that is one window; None where more goes into an answer."""
        return None

    def named(self, window: Window) -> Sequence[int]:
        """The tokens of a window that have a row of output each, where the readout's rows are masks."""
        return ()

    @abstractmethod
    def decode(self, outcomes: Sequence[Outcome], reading: Reading) -> Result:
        """The answer for one row, its windows' outputs merged; they are arrays of R rows, as the readout says.

        Args:
            outcomes: one for each input that `read` gave, in that order.
        """

    def target(self, outcomes: Sequence[Outcome], result: Result, name: str | None) -> Target | None:
        """The score that an explanation of the answer is about; None where the answer has none.

        Args:
            outcomes: of a row whose inputs were each read in one window.
            result: what `decode` made of them.
            name: what to explain instead of the best answer, as the task names it.

        Raises:
            UserError: nothing can be called so.
        """
        return None


def text_field(fields: Mapping[str, object], name: str) -> str:
    """The text called `name` in a row."""
    return _text(name, _value(fields, name, repr(name)))


def optional_text_field(fields: Mapping[str, object], name: str) -> str | None:
    """The text called `name` in a row, None where the row has none."""
    value = fields.get(name)
    return None if value is None else _text(name, value)


def texts_field(fields: Mapping[str, object], name: str) -> list[str]:
    """The texts called `name` in a row, a list."""
    value = _value(fields, name, f"{name!r}, a list")
    if isinstance(value, np.ndarray):  # as Parquet and pandas give lists
        value = value.tolist()
    if not isinstance(value, list | tuple):
        raise InputError(f"field {name!r} is {type(value).__name__}, not a list", 'Write it as ["one", "another"].')
    if not value:
        raise InputError(f"field {name!r} is an empty list", "Leave the row out, or give it some texts.")
    return [_text(f"{name}[{place}]", one) for place, one in enumerate(value)]


def place_of(name: str, known: Sequence[str], what: str) -> int:
    """Where a name that was asked for is among those that there are.

    Args:
        what: what the names are of, for the error.

    Raises:
        UserError: it is not among them.
    """
    if name not in known:
        raise UserError(f"no {what} called {name!r}{near_match(name, known)}", f"Choose one of {', '.join(known)}.")
    return list(known).index(name)


def _value(fields: Mapping[str, object], name: str, wanted: str) -> object:
    value = fields.get(name)
    if value is not None:
        return value
    if name in fields:
        raise InputError(f"field {name!r} is null", f"Leave the row out, or give it {wanted}.")
    option = f"--{name.replace('_', '-')}-column"
    remedy = f"Give every row {wanted}, or name its column with {option}; this one has {_names(fields)}."
    raise InputError(f"no field {name!r}", remedy)


def _text(name: str, value: object) -> str:
    if not isinstance(value, str):
        several = isinstance(value, list | tuple | np.ndarray)
        remedy = "Give one text a row; many rows are a list of dicts." if several else f"Make {name!r} a string."
        raise InputError(f"field {name!r} is {type(value).__name__}, not text", remedy)
    try:
        value.encode()
    except UnicodeEncodeError as error:  # found here, the row is known; the tokenizer gets many rows at once
        raise InputError(
            f"field {name!r} has half a surrogate pair at character {error.start}", "Read the text as UTF-8."
        ) from None
    return value


def _names(fields: Mapping[str, object]) -> str:
    return ", ".join(repr(name) for name in fields) or "no field"
