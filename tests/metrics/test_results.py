from __future__ import annotations

from typing import Any

import pytest

from bertkit.errors import InputError
from bertkit.metrics.results import (
    PredictedEntity,
    Prediction,
    best_label,
    entities,
    label_scores,
    number,
    scored_places,
)


def result(**record: Any) -> Prediction:
    return Prediction(record, "p.jsonl:4")


def test_labels_in_any_order() -> None:
    found = result(labels=[{"label": "a", "score": 0.2}, {"label": "b", "score": 1}])
    assert label_scores(found) == {"a": 0.2, "b": 1.0}
    assert best_label(found) == "b"


def test_entities_and_places() -> None:
    assert entities(result(entities=[{"label": "PER", "start": 1, "end": 4, "text": "Ada"}])) == [
        PredictedEntity("PER", 1, 4)
    ]
    assert scored_places(result(choices=[{"index": 2, "score": 0.5}]), "choices") == {2: 0.5}
    with pytest.raises(InputError, match=r"p.jsonl:4: choices has the index -1"):
        scored_places(result(choices=[{"index": -1, "score": 0.5}]), "choices")


@pytest.mark.parametrize("record", [{"values": 1}, {"value": "1"}, {"value": None}, {"value": True}, {"error": {}}])
def test_what_is_no_number(record: dict[str, object]) -> None:
    with pytest.raises(InputError, match=r"^p.jsonl:4: "):
        number(result(**record), "value")
