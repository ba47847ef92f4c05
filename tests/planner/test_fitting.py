"""What is offered fits, by the planner itself; and it is less than what failed."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from bertkit.config.encoder import EncoderConfig
from bertkit.planner.fitting import fitting_batch, inference_remedy, training_remedy
from bertkit.planner.training_memory import Training, training_memory

BASE = EncoderConfig()
GB = 10**9
STEP = Training(micro_batch_tokens=512, length=512, precision="float32", optimiser="adamw", recompute=False)


@pytest.mark.parametrize("gpu", [False, True])
def test_more_memory_more_tokens(gpu: bool) -> None:
    tokens = [fitting_batch(BASE, "float32", 128, free, gpu=gpu).tokens for free in (GB // 50, GB // 4, GB, 4 * GB)]
    assert tokens == sorted(tokens)
    assert tokens[0] < tokens[-1]
    assert all(count % 128 == 0 for count in tokens)


def test_a_longest_text_where_none_of_the_length_fits() -> None:
    found = fitting_batch(BASE, "float32", 512, 45_000_000, gpu=True)
    assert found.tokens == 0
    assert 0 < found.longest < 512


@pytest.mark.parametrize(
    ("lengths", "free", "words"),
    [
        (
            [128] * 64,
            300_000_000,
            r"300 MB are free, which is room for --batch-tokens (\d+); --dtype bfloat16 takes less\.",
        ),
        ([512] * 64, 8 * GB, r"8\.0 GB are free, which is room for --batch-tokens 16384"),  # half of what failed
        ([512], 100_000_000, r"100 MB are free: with --dtype bfloat16 one text of 512 tokens fits\."),
    ],
)
def test_inference_in_float32(lengths: list[int], free: int, words: str) -> None:
    remedy = inference_remedy(BASE, "float32", lengths, free, gpu=False)
    found = re.match(words, str(remedy))
    assert found, remedy
    if found.groups():
        assert fitting_batch(BASE, "float32", max(lengths), free, gpu=False).tokens >= int(found[1])


def test_inference_in_half_precision() -> None:
    assert "--dtype" not in str(inference_remedy(BASE, "bfloat16", [128] * 64, GB, gpu=True))
    assert "one text at a time" in str(inference_remedy(BASE, "bfloat16", [512, 400], GB, gpu=True))
    assert "texts of up to 256 tokens fit" in str(inference_remedy(BASE, "bfloat16", [512], GB // 8, gpu=True))
    assert inference_remedy(BASE, "bfloat16", [512], 1, gpu=True) is None


def test_training() -> None:
    remedy = str(training_remedy(BASE, STEP, 2 * GB))
    length = int(remedy.rsplit("data.length = ")[1].rstrip("."))
    assert training_memory(BASE, replace(STEP, length=length, micro_batch_tokens=length)).total <= 2 * GB
    assert "train.recompute = true" in remedy
    assert training_memory(BASE, replace(STEP, recompute=True)).total <= 2 * GB
    assert "data.length = 256" in str(training_remedy(BASE, STEP, 8 * GB))  # the plan that it fits was wrong
    assert training_remedy(BASE, STEP, GB) is None
