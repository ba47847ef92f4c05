"""Options of the calls that train, by their names on the command line, and the configuration that they make."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal, TypedDict

from bertkit.config.finetuning import FinetuneConfig
from bertkit.config.options import FINETUNE_OPTIONS, Values, put
from bertkit.config.search import SearchTable, SweepConfig
from bertkit.config.strict import Config, dotted_keys, parse
from bertkit.errors import ConfigError, UserError, near_match
from bertkit.formats.python_rows import plain

Settings = Mapping[str, Any]
COLUMN = "_column"  # the end of the option that names a field's column: `label_column`
OPTIONS = {**FINETUNE_OPTIONS, "layers": "teacher.layers"}


class ColumnOptions(TypedDict, total=False):
    """The column of each field that a task reads, by names as on the command line."""

    text_column: str
    text_pair_column: str
    positive_column: str
    negative_column: str
    label_column: str
    tokens_column: str
    entities_column: str
    question_column: str
    context_column: str
    answers_column: str
    answer_column: str
    answer_start_column: str
    query_column: str
    documents_column: str
    labels_column: str
    document_column: str
    choices_column: str
    id_column: str


class _Shared(ColumnOptions, total=False):
    format: str | None
    columns: Mapping[str, str]
    long: Literal["error", "truncate", "window"] | None
    device: Literal["auto", "cpu", "cuda"]
    epochs: float | None
    batch_size: int | None
    learning_rate: float | None
    seed: int | None


class FinetuneOptions(_Shared, total=False):
    """What can be said of fine-tuning by a name of its own."""

    problem: Literal["single-label", "multi-label", "regression"] | None
    bad_answers: Literal["stop", "drop"] | None
    quick: bool


class SweepOptions(FinetuneOptions, total=False):
    """What can be said of a sweep by a name of its own: how many seeds, or how many settings, and all of a run."""

    seeds: int | None
    search: int | None


class DistillOptions(_Shared, total=False):
    """What can be said of distillation by a name of its own."""

    layers: int | None


def finetune_config(
    call: str, values: Values, options: Mapping[str, object], known: type, settings: Settings | None
) -> FinetuneConfig:
    """The configuration of fine-tuning or distillation.

    Args:
        call: what was called, as errors begin.
        values: the tables so far, which are filled.
        options: by their names; a dotted name is a setting.
        known: the class that declares them.
        settings: by dotted names, or as tables in one another; they go before the options.

    Raises:
        UserError: an option that there is not.
        ConfigError: a setting that there is not, or a value that it cannot have.
    """
    for name, value in options.items():
        key = name if "." in name else _setting_of(call, name, list(known.__annotations__))
        if value is not None:
            _put(call, values, key, value)
    return checked(FinetuneConfig, call, values, settings)


def sweep_config(
    call: str,
    values: Values,
    options: Mapping[str, object],
    count: Mapping[str, object],
    settings: Settings | None,
) -> SweepConfig:
    """The configuration of a sweep.

    Args:
        count: `seeds` or `search`.
        settings: those of a run, and the table `search`.

    Raises:
        UserError, ConfigError: as `finetune_config`; or it is not one of the two.
    """
    given = [name for name, number in count.items() if number is not None]
    if len(given) != 1:
        which = "both seeds and search" if given else "neither seeds nor search"
        raise UserError(f"{call}: {which}", "Give one of the two: seeds=5.")
    of_run, space = dict(settings or {}), Values()
    for key in [key for key in of_run if key == "search" or key.startswith("search.")]:
        _put(call, space, key, of_run.pop(key))
    table = space.get("search", {})
    if not isinstance(table, dict):
        raise ConfigError(f"{call}: search is {table!r}, not a table", 'Write it as {"search.epochs": [2, 3]}.')
    base = finetune_config(call, values, options, SweepOptions, of_run)
    table = checked(SearchTable, f"{call}: search", table, None)
    return checked(SweepConfig, call, {"base": base, "space": table, **count}, None)


def checked(kind: type[Config], call: str, values: Values, settings: Settings | None) -> Config:
    """The tables, with the settings put in, as a configuration.

    Raises:
        ConfigError: a setting that there is not, or a value that it cannot have.
    """
    for key, value in (settings or {}).items():
        _put(call, values, str(key), value)
    try:
        return parse(kind, values, call)
    except ConfigError as error:
        raise ConfigError(error.what, "Correct this argument of the call.") from None


def _put(call: str, values: Values, key: str, value: object) -> None:
    try:
        put(values, key, plain(value))
    except KeyError as error:
        raise ConfigError(f"{call}: {key!r}: {error} is not a table", "Correct this argument of the call.") from None


def _setting_of(call: str, name: str, known: Sequence[str]) -> str:
    """The setting that an option stands for."""
    if name in known:
        return OPTIONS.get(name, f"data.columns.{name.removesuffix(COLUMN)}")
    setting = next((key for key in dotted_keys(FinetuneConfig) if key.rpartition(".")[2] == name), None)
    if setting is not None:
        raise UserError(
            f"{call}: no option {name!r}; it is the setting {setting!r}", f'Give it as settings={{"{setting}": …}}.'
        )
    plain_names = [one for one in known if not one.endswith(COLUMN)]
    raise UserError(
        f"{call}: no option {name!r}{near_match(name, known)}",
        f"The options are {', '.join(plain_names)} and columns as in label_column=…; all else goes into settings=….",
    )
