"""What a `config.json` says about a classifier: the names of its labels, and the problem it was trained for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from bertkit.errors import ConfigError
from bertkit.families.values import ValueKind, is_whole, shortened

Problem = Literal["single-label", "multi-label", "regression"]
PROBLEMS: Mapping[str, Problem] = {
    "single_label_classification": "single-label",
    "multi_label_classification": "multi-label",
    "regression": "regression",
}
# What a linear model minimises: cross entropy over classes, a binary one for each class, or squared errors.
Fitted = Literal["softmax", "sigmoid", "squares"]
FITTED: Mapping[Problem, Fitted] = {"single-label": "softmax", "multi-label": "sigmoid", "regression": "squares"}
UNNAMED = 2  # labels that the hub's library assumes, and leaves out of the file
MOST_LABELS = 1_000_000
LABELS = ValueKind(
    f"a number of labels, 1 to {MOST_LABELS}",
    lambda value: is_whole(value) and 1 <= value <= MOST_LABELS,  # type: ignore[operator]
)


def fitting_labels(config: Mapping[str, object], rows: int) -> Mapping[str, object]:
    """A `config.json` without an `id2label` that is left over from another classifier: the number of labels fits.

    Args:
        rows: of the classifier's last layer.
    """
    named = config.get("id2label")
    if isinstance(named, dict) and len(named) != rows and _count(config) == rows:
        return {key: value for key, value in config.items() if key != "id2label"}
    return config


def read_labels(config: Mapping[str, object]) -> tuple[str, ...]:
    """The labels in the order of the classifier's rows.

    Where the file names none they are `LABEL_0`, `LABEL_1` …, `num_labels` of them, as in the hub's library; so is one
    whose name is null.

    Raises:
        ConfigError: `id2label` is not an object that maps 0, 1, 2 … to names.
    """
    named = config.get("id2label")
    if named is not None:
        return _names(named)
    count = _count(config)
    return tuple(f"LABEL_{id}" for id in range(LABELS.check("num_labels", UNNAMED if count is None else count)))


def _count(config: Mapping[str, object]) -> object:
    return config.get("num_labels", config.get("_num_labels"))


def _names(named: object) -> tuple[str, ...]:
    remedy = 'Write it as {"0": "the first label", "1": "the second", …}.'
    if not isinstance(named, dict) or not named:
        raise ConfigError(f"id2label: an object is expected, not {shortened(named)}", remedy)
    try:
        names = {int(id): name for id, name in named.items()}
    except ValueError:
        raise ConfigError(f"id2label: ids are numbers, not {shortened(list(named))}", remedy) from None
    missing = [id for id in range(len(named)) if id not in names]
    if missing:
        raise ConfigError(f"id2label has {len(named)} labels, but none of id {missing[0]}", remedy)
    return tuple(f"LABEL_{id}" if names[id] is None else str(names[id]) for id in range(len(names)))


def read_problem(config: Mapping[str, object]) -> Problem:
    """The problem that a classifier of texts was trained for: `problem_type`; without it one label is a regression.

    Raises:
        ConfigError: `problem_type` is none of the hub's three.
    """
    named = config.get("problem_type")
    if named is None or named == "":
        return "regression" if len(read_labels(config)) == 1 else "single-label"
    if not isinstance(named, str) or named not in PROBLEMS:
        raise ConfigError(f"problem_type = {shortened(named)} is not known", f"Use one of {', '.join(PROBLEMS)}.")
    return PROBLEMS[named]
