from __future__ import annotations

import json
import re

from bertkit.metrics.results import Prediction
from bertkit.reports.report_page import report_page
from tests.reports.made_reports import OUTSIDE, labelled, report


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
    assert page.count("<svg") == 2 * 2  # each chart is there for a wide page and for a phone
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
