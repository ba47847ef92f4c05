from __future__ import annotations

import json
from types import SimpleNamespace

import numpy as np
import pyarrow as pa
import pytest

from bertkit.formats.class_names import names_in, names_of_table

CLASSES = {"_type": "ClassLabel", "names": ["no", "yes"]}


def metadata(features: object) -> dict[bytes, bytes]:
    return {b"huggingface": json.dumps({"info": {"features": features}}).encode()}


@pytest.mark.parametrize(
    "feature", [CLASSES, [CLASSES], {"feature": CLASSES, "_type": "List"}, [{"feature": [CLASSES]}]], ids=str
)
def test_names_stand_at_any_depth(feature: object) -> None:
    assert names_in(metadata({"label": feature, "text": {"_type": "Value"}})) == {"label": ("no", "yes")}


@pytest.mark.parametrize(
    "written",
    [None, {}, {b"pandas": b"{}"}, {b"huggingface": b"{"}, {b"huggingface": b"[]"}, metadata([]), metadata({"a": 5})],
    ids=str,
)
def test_where_nothing_is_said_there_are_none(written: dict[bytes, bytes] | None) -> None:
    assert names_in(written) == {}


def test_tables_that_say_so_and_others() -> None:
    table = pa.table({"label": [0, 1]}).replace_schema_metadata(metadata({"label": CLASSES}))
    dataset = SimpleNamespace(features=SimpleNamespace(arrow_schema=table.schema))
    for known in (table, dataset):
        assert names_of_table(known) == {"label": ("no", "yes")}
    column = np.array([1, 2])  # whose truth is ambiguous, as that of a frame's column
    for unknown in ([], pa.table({"a": [1]}), SimpleNamespace(schema=column, features=column), None):
        assert names_of_table(unknown) == {}
