from __future__ import annotations

from bertkit.formats.rows import Row
from bertkit.labelled.examples import Example, Tagged, Target
from bertkit.metrics.confusions import confusion_of, entity_confusion
from bertkit.metrics.results import Prediction


def asked(target: Target, **fields: object) -> Example:
    return Example(Row(fields, "data:1"), target, "id")


def test_confusions_of_entities_are_by_the_words_that_they_cover() -> None:
    gold = [["B-PER", "I-PER", "O", "B-LOC"], ["B-LOC", "O"]]
    predicted = [["B-PER", "I-PER", "O", "B-ORG"], ["B-LOC", "B-PER"]]
    found = entity_confusion(gold, predicted)
    assert found.labels == ("(none)", "LOC", "ORG", "PER")
    assert found.counts_CC.tolist() == [[0, 0, 0, 1], [0, 1, 1, 0], [0, 0, 0, 0], [0, 0, 0, 1]]
    example = asked(Tagged(((0, 1),), ("B-PER",)), text="A")
    result = Prediction({"entities": [{"label": "LOC", "start": 0, "end": 1}]}, "")
    whole = confusion_of("token-classification", None, [result], [example])
    assert whole is not None
    assert whole.counts_CC.tolist() == [[0, 0], [1, 0]]


def test_what_has_no_confusions() -> None:
    assert confusion_of("text-classification", None, [Prediction({"value": 1.0}, "")], [asked(1.0)]) is None
    assert confusion_of("multiple-choice", None, [Prediction({}, "")], [asked(1)]) is None
