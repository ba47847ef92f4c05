"""Claims as people write them: what is read of one, and whether it can be true."""

from __future__ import annotations

import re

import pytest

from bertkit.errors import UserError
from bertkit.families.known import known_models
from bertkit.planner.claims import Claim, read_claim
from bertkit.planner.devices import load_devices
from bertkit.planner.judging import Finding, judge

DEVICES, MODELS = load_devices(), known_models()


def read(text: str) -> Claim:
    return read_claim(text, DEVICES, MODELS)


def judged(text: str) -> list[Finding]:
    return judge(read(text), DEVICES)


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        (
            "RTX 3060, bert-base, fp16, batch 32, length 512, 500 samples/s",
            ("RTX 3060 12GB", "bert-base", "float16", 32, 512, 500.0),
        ),
        (
            "An A100 runs BERT-large at 1.2k sequences per second (bf16, 64x128)",
            ("A100 80GB SXM", "bert-large", "bfloat16", 64, 128, 1200.0),
        ),
        ("distilbert-base-uncased on a T4: 60,000 texts a minute", ("T4", "distilbert-base", None, None, None, 1000.0)),
        ("8 tokens of roberta-base, H100, 3 requests/s", ("H100 SXM", "roberta-base", None, None, 8, 3.0)),
    ],
)
def test_what_is_read(text: str, parts: tuple[object, ...]) -> None:
    claim = read(text)
    assert claim.device is not None
    found = (claim.device.name, claim.model, claim.precision, claim.batch, claim.length, claim.sequences_per_second)
    assert found == parts


def test_other_quantities_and_training() -> None:
    claim = read("fine-tuning bert-base on an L4, 20k tokens/s, 35 ms, 10 GB")
    assert (claim.mode, claim.tokens_per_second, claim.milliseconds, claim.gigabytes) == ("fine-tuning", 2e4, 35, 10)
    assert read("pre-training bert-base on an L4, 20k tokens/s").mode == "pre-training"


@pytest.mark.parametrize(
    ("text", "asked", "share"),
    [
        ("RTX 3060, bert-base, fp16, batch 32, length 512, 500 samples/s", 48.3, 1.89),
        ("RTX 3060 12GB: DistilBERT FP16, batch 32, length 512, ~800 samples/s", 38.7, 1.52),
        ("RTX 4090, bert-large, fp32, 32x512, 300 samples/s", 100.5, 1.22),
    ],
)
def test_physics_says_no(text: str, asked: float, share: float) -> None:
    [found] = judged(text)
    assert (found.judgement, found.words) == ("impossible", "physics says no")
    assert found.numbers["asked_tflops"] == pytest.approx(asked, rel=0.01)
    assert found.numbers["share_of_peak"] == pytest.approx(share, rel=0.01)
    assert any("TFLOP/s" in reason for reason in found.reasons)


def test_gigabytes_that_make_it_another_card_are_said() -> None:
    reasons = judged("RTX 3060 6 GB, bert-base, fp16, batch 32, length 512, 500 samples/s")[0].reasons
    assert reasons[0] == "With 6 GB it is the RTX 3060 Laptop 6GB; the RTX 3060 12GB has 12 GB."
    same = judged("RTX 3060 12 GB, bert-base, fp16, batch 32, length 512, 500 samples/s")[0].reasons
    assert "it is the" not in " ".join(same)


def test_a_claim_without_a_length_is_refused_from_some_length_on() -> None:
    found = judged("DistilBERT at 800 samples/s on an RTX 3060")[0]
    assert found.judgement == "plausible"
    reason = next(reason for reason in found.reasons if "more than the peak" in reason)
    most = int(re.findall(r"\d+", reason)[0])
    for length, judgement in ((most + 1, "impossible"), (most, "unlikely")):
        text = f"DistilBERT at 800 samples/s of {length} tokens on an RTX 3060, batches of 128"
        assert judged(text)[0].judgement == judgement


def test_the_reasoning_names_the_peak_with_sums_in_float16() -> None:
    [found] = judged("RTX 3060, bert-base, fp16, batch 32, length 512, 500 samples/s")
    assert any("25.5 TFLOP/s" in reason and "189%" in reason for reason in found.reasons)
    assert any("51.0" in reason and "95%" in reason for reason in found.reasons)
    assert found.numbers["expected_low"] < 158 < found.numbers["expected_high"]


@pytest.mark.parametrize(
    ("text", "judgement"),
    [
        ("RTX 3060, bert-base, fp16, batch 32, length 512, 160 samples/s", "plausible"),
        ("RTX 3060, bert-base, fp16, batch 32, length 512, 255 samples/s", "unlikely"),
        ("RTX 3060, bert-base, fp16, batch 32, length 512, 5 samples/s", "low"),
        ("A100 40GB, bert-base, int8, 128x128, 8.18 ms", "plausible"),
    ],
)
def test_what_is_possible(text: str, judgement: str) -> None:
    assert [found.judgement for found in judged(text)] == [judgement]


@pytest.mark.parametrize(
    ("text", "judgement", "reason"),
    [
        ("the RTX 3060 has 6 GB", "false", "6 GB is the RTX 3060 Laptop 6GB: another card"),
        ("RTX 3060: 12GB", "true", "Source"),
        ("RTX 3060 Laptop, 6 GB", "true", "Source"),
        ("EPYC Zen 4: 64 GB", "depends", "not known"),
    ],
)
def test_the_memory_of_a_card(text: str, judgement: str, reason: str) -> None:
    [found] = judged(text)
    assert found.judgement == judgement
    assert reason in " ".join(found.reasons)


def test_a_page_that_claims_both() -> None:
    speed, memory = judged("RTX 3060, bert-base, fp16, batch 32, length 512, 500 samples/s, 6 GB")
    assert (speed.judgement, memory.judgement) == ("impossible", "false")
    [alone] = judged("RTX 3060 6GB, bert-base, length 512, 100 samples/s")  # there it is a part of the name
    assert "RTX 3060 Laptop 6GB" in " ".join(alone.reasons)


def test_from_where_on_a_model_takes_so_much() -> None:
    [found] = judged("BERT-large and long contexts pass 20 GB")
    assert found.judgement == "depends"
    assert "true of training" in found.words
    firsts = [value for name, value in found.numbers.items() if name.endswith("first_batch")]
    assert firsts[0] > 1000 > firsts[1] > firsts[2] > 1
    [known] = judged("training bert-large with batch 64 of 512 tokens in fp32 needs 20 GB")
    assert known.judgement == "true"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("bert-base is nice", "nothing to check"),
        ("RTX 4091, bert-base, 5 texts/s", "no device that is known.*did you mean 'RTX 4090'"),
        ("RTX 4090, brt-base, 5 texts/s", "no model that is known.*did you mean 'bert-base'"),
        ("RTX 4090, bert-bse, 5 texts/s", "no model 'bert-bse'.*did you mean 'bert-base'"),
        ("RTX 4090, bert-base, batch 0, 5 texts/s", "a zero"),
    ],
)
def test_what_cannot_be_checked(text: str, message: str) -> None:
    with pytest.raises(UserError, match=message):
        read(text)


def test_an_unknown_rate_is_said() -> None:
    with pytest.raises(UserError, match=r"RTX PRO 5000.*is not known"):
        judged("RTX PRO 5000, bert-base, 5 texts/s")
