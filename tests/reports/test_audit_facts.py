from __future__ import annotations

from dataclasses import replace

from bertkit.reports.audit_facts import facts
from tests.reports.made_audits import MADE, OTHER


def test_shares_stand_beside_their_counts() -> None:
    text, samples, batches = facts(MADE).values()
    assert (text["documents"], text["duplicate documents"]) == (2000, "3 (0.15%)")
    assert (text["unknown tokens"], text["other special tokens"]) == ("1.000%", "2.000%")
    assert samples["sentences left out"] == "4 (80.00%)"
    assert samples["tokens trimmed"] == "7 (25.00%)"
    assert batches["filled"] == "75.00%, over 7 batches"
    assert batches["if padded to the longest"] == "90.00% would be tokens"
    assert list(facts(MADE)) == [
        "text",
        "samples of an epoch: next-sentence, length 32",
        "batches of 4,096 tokens",
    ]


def test_second_parts_are_spoken_of_where_there_are_any() -> None:
    name = "samples of an epoch: {}, length 32"
    pairs = facts(MADE)[name.format("next-sentence")]
    assert pairs["second part from elsewhere"] == "43.75%"
    assert str(pairs["falsely from elsewhere"]).startswith("4.00% of 50 compared: same document 2, ")
    order = facts(replace(MADE, arrangement="sentence-order"))[name.format("sentence-order")]
    assert order["parts in the wrong order"] == "43.75%"
    alone = facts(OTHER)[name.format("documents")]
    assert not [key for key in alone if "part" in key or "elsewhere" in key]
