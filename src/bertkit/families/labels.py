"""What a `config.json` says about a classifier: the names of its labels, and the problem it was trained for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from bertkit.errors import ConfigError

Problem = Literal["single-label", "multi-label", "regression"]
PROBLEMS: Mapping[str, Problem] = {
    "single_label_classification": "single-label",
    "multi_label_classification": "multi-label",
    "regression": "regression",
}
UNNAMED = 2  # labels that the hub's library assumes, and leaves out of the file


def read_labels(config: Mapping[str, object]) -> tuple[str, ...]:
    """The labels in the order of the classifier's rows.

    Where the file names none they are `LABEL_0`, `LABEL_1` …, `num_labels` of them, as in the hub's library.

    Raises:
        ConfigError: `id2label` is not an object that maps 0, 1, 2 … to names.
    """
    named = config.get("id2label")
    if named is None:
        count = config.get("num_labels", config.get("_num_labels", UNNAMED))
        if not isinstance(count, int) or count < 1:
            raise ConfigError(f"num_labels: a number of labels is expected, not {count!r}")
        return tuple(f"LABEL_{id}" for id in range(count))
    remedy = 'Write it as {"0": "the first label", "1": "the second", …}.'
    if not isinstance(named, dict) or not named:
        raise ConfigError(f"id2label: an object is expected, not {named!r}", remedy)
    missing = [id for id in range(len(named)) if str(id) not in named]
    if missing:
        raise ConfigError(f"id2label has {len(named)} labels, but none of id {missing[0]}", remedy)
    return tuple(str(named[str(id)]) for id in range(len(named)))


def read_problem(config: Mapping[str, object]) -> Problem:
    """The problem that a classifier of texts was trained for: `problem_type`; without it one label is a regression.

    Raises:
        ConfigError: `problem_type` is none of the hub's three.
    """
    named = config.get("problem_type")
    if named is None:
        return "regression" if len(read_labels(config)) == 1 else "single-label"
    if named not in PROBLEMS:
        raise ConfigError(f"problem_type = {named!r} is not known", f"Use one of {', '.join(PROBLEMS)}.")
    return PROBLEMS[str(named)]
