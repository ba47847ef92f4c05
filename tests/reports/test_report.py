from __future__ import annotations

import json
import re
from collections.abc import Sequence

import numpy as np

from bertkit.formats.rows import Row
from bertkit.labelled.examples import Example, References, Tagged, Target
from bertkit.metrics.results import Prediction, Predictions
from bertkit.metrics.task_scores import score_answers, score_results
from bertkit.reports.measured import Measured
from bertkit.reports.report import Report, make_report
from bertkit.reports.report_page import MOST_LABELS, SHORT, report_page

OUTSIDE = r"(?:src|href)=|url\(|<script|https?://(?!www\.w3\.org/2000/svg)"


def report(task: str, answers: Predictions, targets: Sequence[Target], text: str = "<i>a text</i>") -> Report:
    fields = {"question": "q", "context": text} if task == "question-answering" else {"text": text}
    examples = [Example(Row(fields, f"data:{n}"), target, str(n)) for n, target in enumerate(targets)]
    if isinstance(answers, dict):
        scores = score_answers(answers, examples)
    else:
        assert not isinstance(answers, dict)
        scores = score_results(task, None, answers, examples)  # type: ignore[arg-type]
    return make_report(Measured("a<b>", task, None, answers, examples, scores, scores, "itself"))


def labelled(count: int, names: Sequence[str], seed: int = 0) -> tuple[list[Prediction], list[str]]:
    random = np.random.default_rng(seed)
    targets = [names[n % len(names)] for n in range(count)]
    results = []
    for target in targets:
        score = {name: float(value) for name, value in zip(names, random.random(len(names)), strict=True)}
        score[target] += 0.4
        total = sum(score.values())
        parts = [{"label": name, "score": value / total} for name, value in score.items()]
        results.append(Prediction({"labels": parts, "input_tokens": int(random.integers(3, 90))}, "p"))
    return results, targets


def test_labels() -> None:
    results, targets = labelled(120, ("good", "bad"))
    found = report("text-classification", results, targets)
    facts = json.loads(json.dumps(found.record(), allow_nan=False))
    low, high = (facts["intervals"]["accuracy"][end] for end in ("low", "high"))
    assert low <= facts["metrics"]["accuracy"] <= high
    confusion = dict(zip(facts["confusion"]["labels"], facts["confusion"]["counts"], strict=True))
    for label, counts in confusion.items():
        own = facts["labels"][label]
        assert own["tp"] == counts[facts["confusion"]["labels"].index(label)]
        assert own["tp"] + own["fn"] == sum(counts) == 60
    assert facts["wrong"] == 120 - sum(one["tp"] for one in facts["labels"].values())
    losses = [one["loss"] for one in facts["mistakes"]]
    assert losses == sorted(losses, reverse=True)
    assert facts["mistakes"][0]["text"] == "<i>a text</i>"
    assert sum(part["examples"] for part in facts["lengths"]["parts"]) == 120
    assert facts["lengths"]["unit"] == "tokens"
    assert facts["comparison"]["accuracy"]["difference"] == 0
    page = report_page(found)
    assert re.findall(OUTSIDE, page) == []
    assert "<i>" not in page
    assert "<b>" not in page
    assert "&lt;i&gt;a text&lt;/i&gt;" in page
    assert page.count("<svg") == 2
    for said in (
        "Beside itself",
        "Calibration",
        f"{facts['calibration']['temperature']:.4f}",
        "What was taken for what",
    ):
        assert said in page


def test_a_few_labels_of_several() -> None:
    results, targets = labelled(30, ("a", "b", "c"))
    found = report("text-classification", results, [(target,) for target in targets])
    counts = found.record()["labels"]
    assert isinstance(counts, dict)
    assert {sum(one[kind] for kind in ("tp", "fp", "fn", "tn")) for one in counts.values()} == {30}
    assert "rightly not given" in report_page(found)


def test_many_labels_show_the_most_frequent_confusions() -> None:
    names = [f"label{n}" for n in range(MOST_LABELS + 1)]
    results, targets = labelled(200, names)
    page = report_page(report("text-classification", results, targets))
    assert "confusions, the most frequent first" in page
    assert "A row for each right label" not in page


def test_why_there_is_no_calibration() -> None:
    results, targets = labelled(4, ("a", "b"))
    found = report("text-classification", results, targets)
    assert "calibration" not in found.record()
    assert "None: 4 examples say little of how sure a model may be." in report_page(found)


def test_who_abstained() -> None:
    results, targets = labelled(40, ("a", "b"))
    abstaining = [Prediction({**one.record, "abstained": n % 4 == 0}, one.place) for n, one in enumerate(results)]
    facts = report("text-classification", abstaining, targets).record()["abstained"]
    assert isinstance(facts, dict)
    assert facts["share"] == 0.25
    assert 0 < facts["accuracy_of_the_others"] < 1
    assert "abstained" not in report("text-classification", results, targets).record()


def test_entities_answers_and_numbers() -> None:
    tagged = Tagged(((0, 3),), ("B-PER",))
    entities = [Prediction({"entities": [{"label": "PER", "start": 0, "end": 3}]}, "p")] * 3
    assert "What was taken for what" in report_page(report("token-classification", entities, [tagged] * 3, "Ada"))
    long = "word " * SHORT
    page = report_page(report("question-answering", {"0": "x", "1": "word"}, [References(("word",), (0,))] * 2, long))
    assert "Labels</h2>" not in page
    assert long.strip() in page, "a long text opens, and its end is there"
    numbers = report(
        "text-classification", [Prediction({"value": 1.0}, "p"), Prediction({"value": 2.0}, "p")], [1.0, 3.0]
    )
    assert numbers.record()["wrong"] == 1
    assert re.findall(OUTSIDE, page + report_page(numbers)) == []
