from __future__ import annotations

from dataclasses import replace

from bertkit.reports.leaderboard_page import HEADER, Entry, leaderboard_page, ranked

ONE = Entry(
    *("bert-base", "Xeon <2>", "inference", "float32", "128", "best", 8, "bertkit"),
    *(1000.0, 10.0, 0.05, (1100.0, 500.0, 1500.0)),
)
PEER = replace(ONE, contestant="openvino", tokens_per_second=2000.0, predicted=None)
OTHER = replace(ONE, machine="EPYC", lengths="mixed", size="1")


def test_a_row() -> None:
    assert dict(zip(HEADER, ONE.cells(), strict=True)) == {
        "model": "bert-base",
        "machine": "Xeon <2>",
        "work": "inference",
        "precision": "float32",
        "lengths": "128",
        "batch": "8",
        "contestant": "bertkit",
        "tokens/s": "1,000",
        "texts/s": "10.0",
        "± spread": "5%",
        "predicted": "1,100",
        "error": "+10%",
    }
    assert PEER.cells()[-2:] == ["-", "-"]


def test_the_fastest_of_a_group_comes_first() -> None:
    assert ranked([ONE, OTHER, PEER]) == [PEER, ONE, OTHER]


def test_a_page_needs_nothing_else() -> None:
    page = leaderboard_page([ONE, OTHER, PEER])
    assert page.count("<svg") == 2 * 2  # each chart is there for a wide page and for a phone
    assert "BERT on 2 machines" in page
    assert "bert-base, inference, float32, 128 tokens, best batch" in page
    assert "mixed, one text at a time" in page
    assert "Xeon &lt;2&gt;" in page
    assert "Xeon <2>" not in page
    assert "<script" not in page
    assert "prefers-color-scheme:dark" in page
