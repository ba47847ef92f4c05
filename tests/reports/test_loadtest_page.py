from __future__ import annotations

from bertkit.benchmarking.load_summary import LoadStep
from bertkit.benchmarking.open_loop import Reply, SentRequest
from bertkit.reports.loadtest_page import HEADER, ShownStep, loadtest_page


def shown(rate: float, *seconds: float, status: str = "200") -> ShownStep:
    requests = [SentRequest(n, n, n + took, Reply(status, "right")) for n, took in enumerate(seconds)]
    step = LoadStep(rate, 10.0, requests)
    return ShownStep(step.record(), [(one.due, 1e3 * one.seconds) for one in step.answered])


def test_a_row_says_what_a_rate_brought() -> None:
    row = dict(zip(HEADER, shown(4.0, 0.1, 0.2, 0.3).cells(), strict=True))
    assert (row["rate/s"], row["p50"], row["max"], row["refused p95"]) == ("4", "200.0", "300.0", "-")
    assert row["what came back"] == "3 × 200; 3 right, 0 wrong, 0 mixed up"  # noqa: RUF001


def test_a_page_has_its_charts_and_nothing_from_elsewhere() -> None:
    page = loadtest_page("<a server>", [shown(4.0, 0.1, 0.2), shown(8.0, 0.3), shown(16.0, 0.1, status="429")])
    assert page.count("<svg") == 3
    assert "&lt;a server&gt;" in page
    assert "16/s" in page
    assert "src=" not in page
    assert "href=" not in page
    assert loadtest_page("one", [shown(4.0, 0.1)]).count("<svg") == 2
