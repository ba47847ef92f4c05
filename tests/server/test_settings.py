"""What one request may hold."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

import bertkit
from bertkit.errors import RequestTooLarge
from bertkit.formats.rows import Row
from bertkit.server.settings import Limits


@pytest.mark.parametrize(
    ("model", "fields", "words"),
    [
        ("ranks", {"query": "q", "documents": ["d"] * 4}, "4 documents"),
        ("entailment", {"text": "t", "candidate_labels": ["a", "b", "c"]}, "3 candidate_labels"),
        ("entailment", {"text": "t", "candidate_labels": "a,b,c"}, "3 candidate_labels"),
        ("masks", {"text": "[MASK] [MASK]"}, "2 masks"),
        ("masks", {"text": "[MASK]", "text_pair": "[MASK]"}, "2 masks"),
        ("masks", {"text": "[MASK]" + "x" * 994}, "5,000 characters of filled texts"),
    ],
)
def test_too_much_is_named(models: Mapping[str, bertkit.Model], model: str, fields: dict[str, Any], words: str) -> None:
    limits = Limits(texts=1, documents=3, labels=2, masks=1, characters=4_999)
    with pytest.raises(RequestTooLarge, match=words):
        limits.check(models[model].task, [Row(fields, "row 1")])
    Limits().check(models[model].task, [Row(fields, "row 1")])


def test_rows_are_counted(models: Mapping[str, bertkit.Model]) -> None:
    with pytest.raises(RequestTooLarge, match="3 texts in one request; the most is 2"):
        Limits(texts=2).check(models["vectors"].task, [Row({"text": "t"}, "row")] * 3)
