from __future__ import annotations

from typing import Any

import pytest

from bertkit.api.settings import DistillOptions, FinetuneOptions, SweepOptions
from bertkit.config.finetuning import FinetuneConfig
from bertkit.config.options import FINETUNE_OPTIONS, put, put_options
from bertkit.config.strict import dotted_keys
from bertkit.labelled.reading import rows_of
from bertkit.tasks.catalogue import tasks_with


def test_every_option_is_a_setting() -> None:
    assert set(FINETUNE_OPTIONS.values()) <= set(dotted_keys(FinetuneConfig))


def test_python_declares_the_options_and_a_column_for_every_field() -> None:
    columns = {f"{field}_column" for task in tasks_with("rows") for field in rows_of(task).fields}
    assert set(FinetuneOptions.__annotations__) == set(FINETUNE_OPTIONS) | columns
    assert set(SweepOptions.__annotations__) == set(FinetuneOptions.__annotations__) | {"seeds", "search"}
    labels_only = {"problem", "bad_answers", "quick"}
    assert set(DistillOptions.__annotations__) == (set(FINETUNE_OPTIONS) - labels_only) | columns | {"layers"}


def test_options_that_were_not_given_are_left_out() -> None:
    given = put_options({"train": {"device": "cpu"}}, {"epochs": 3, "seed": None, "columns": {"text": "review"}})
    assert given == {"train": {"device": "cpu", "epochs": 3}, "data": {"columns": {"text": "review"}}}


@pytest.mark.parametrize(
    ("key", "value", "after"),
    [
        ("a.c", 2, {"a": {"b": 1, "c": 2}}),
        ("a", {"c": 2}, {"a": {"b": 1, "c": 2}}),
        ("a.b", {"c": 2}, {"a": {"b": {"c": 2}}}),
        ("d", {}, {"a": {"b": 1}, "d": {}}),
        ("d", {"e": {"f.g": 3}}, {"a": {"b": 1}, "d": {"e": {"f": {"g": 3}}}}),
        ("a", 5, {"a": 5}),
    ],
)
def test_put(key: str, value: object, after: dict[str, Any]) -> None:
    values: dict[str, Any] = {"a": {"b": 1}}
    put(values, key, value)
    assert values == after


def test_what_is_no_table_has_no_keys() -> None:
    with pytest.raises(KeyError, match="b"):
        put({"a": {"b": 1}}, "a.b.c", 2)
