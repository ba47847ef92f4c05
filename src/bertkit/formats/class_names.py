"""Names of the classes that numbers in a column stand for, as the library `datasets` stores them in Arrow tables."""

from __future__ import annotations

import json
from collections.abc import Mapping


def names_of_table(table: object) -> dict[str, tuple[str, ...]]:
    """By column, where a table says so: one of pyarrow, or a `Dataset` of `datasets`."""
    # A frame's column may be called like this: what it is, is looked at, not whether it is true.
    for schema in (getattr(table, "schema", None), getattr(getattr(table, "features", None), "arrow_schema", None)):
        metadata = getattr(schema, "metadata", None)
        if isinstance(metadata, Mapping):
            return names_in(metadata)
    return {}


def names_in(metadata: Mapping[bytes, bytes] | None) -> dict[str, tuple[str, ...]]:
    """By column, as the metadata of a schema say; none where they say nothing."""
    written = (metadata or {}).get(b"huggingface", b"{}")
    try:
        features = json.loads(written)["info"]["features"]
        found = {str(column): _names(feature) for column, feature in features.items()}
    except (ValueError, KeyError, TypeError, AttributeError):
        return {}
    return {column: names for column, names in found.items() if names}


def _names(feature: object) -> tuple[str, ...]:
    """The names of a feature's classes, or of those of its items, however deep; none where it has no classes."""
    while isinstance(feature, list) and feature:
        feature = feature[0]
    if not isinstance(feature, dict):
        return ()
    if feature.get("_type") == "ClassLabel" and isinstance(feature.get("names"), list):
        return tuple(map(str, feature["names"]))
    return _names(feature.get("feature"))
