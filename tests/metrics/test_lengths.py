from __future__ import annotations

from bertkit.formats.rows import Row
from bertkit.labelled.examples import Example, Target
from bertkit.metrics.error_analysis import AnalysedExample, analyse_records
from bertkit.metrics.lengths import by_length
from bertkit.metrics.results import Prediction


def asked(target: Target, **fields: object) -> Example:
    return Example(Row(fields, "data:1"), target, "id")


def analyse(task: str, record: dict[str, object], example: Example) -> AnalysedExample:
    (one,) = analyse_records(task, None, [Prediction(record, "p:1")], [example])
    return one


def labels(**scores: float) -> dict[str, object]:
    return {"labels": [{"label": label, "score": score} for label, score in scores.items()]}


def test_lengths() -> None:
    def one(tokens: int, wrong: bool) -> AnalysedExample:
        record = {**labels(a=0.9, b=0.1), "input_tokens": tokens}
        return analyse("text-classification", record, asked("b" if wrong else "a", text="x y z"))

    analysed = [one(tokens, tokens > 6) for tokens in (9, 3, 3, 3, 3, 5, 7, 8)]
    found = by_length(analysed, parts=4)
    assert found.unit == "tokens"
    assert [(part.shortest, part.longest, part.examples, part.error) for part in found.parts] == [
        (3, 3, 4, 0),
        (5, 7, 2, 0.5),
        (8, 9, 2, 1),
    ]
    unknown = [*analysed, analyse("text-classification", labels(a=1.0, b=0.0), asked("b", text="x y"))]
    assert (by_length(unknown).unit, by_length(unknown).parts[0].shortest) == ("words", 2)
