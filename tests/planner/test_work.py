"""What a batch asks of a device: arithmetic that agrees with `compute`, and traffic that grows as it should."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bertkit.config.encoder import EncoderConfig
from bertkit.families.catalogue import FAMILIES
from bertkit.planner.compute import sequence_flops, training_flops
from bertkit.planner.software import SOFTWARE
from bertkit.planner.work import Work, arithmetic, operations, traffic

BASE = FAMILIES["bert"].presets["base"]
MODELS = {
    "base": BASE,
    "albert": FAMILIES["albert"].presets["base"].model_copy(update={"embed_width": None}),
    "modernbert": FAMILIES["modernbert"].presets["base"],
    "grouped": FAMILIES["eurobert"].presets["610m"],
}


def work(config: EncoderConfig = BASE, **changes: object) -> Work:
    usual = Work(config, "inference", (128,) * 4, "bfloat16", SOFTWARE["bertkit"])
    return replace(usual, **changes)  # type: ignore[arg-type]


@pytest.mark.parametrize("name", MODELS)
def test_inference_is_the_arithmetic_of_its_sequences(name: str) -> None:
    lengths = (300, 128, 7)
    expected = sum(sequence_flops(MODELS[name], length) for length in lengths)
    assert arithmetic(work(MODELS[name], lengths=lengths)) == pytest.approx(expected)


def test_training_is_that_and_what_attention_computes_again() -> None:
    one = work(mode="pre-training", lengths=(128,) * 8)
    expected = training_flops(BASE, one.lengths, masked=8 * 19, sequences=8)
    attention = 8 * 4 * 768 * 128**2 * 12
    assert arithmetic(one) == pytest.approx(expected + 0.5 * attention)


def test_padding_is_computed_by_programs_that_pad() -> None:
    lengths = (512, 16, 16, 16)
    packed = work(lengths=lengths)
    padded = work(lengths=lengths, software=SOFTWARE["transformers"])
    assert arithmetic(padded) == pytest.approx(arithmetic(work(lengths=(512,) * 4)))
    assert arithmetic(packed) < 0.3 * arithmetic(padded)


def test_adapters_save_the_gradient_of_the_weights() -> None:
    whole, adapters = work(mode="fine-tuning"), work(mode="lora")
    assert 0.66 < arithmetic(adapters) / arithmetic(whole) < 0.75
    assert traffic(adapters) < traffic(whole)


def test_an_update_is_of_all_weights_and_not_after_every_batch() -> None:
    each = work(mode="fine-tuning")
    summed = work(mode="fine-tuning", updates=False)
    assert traffic(each) - traffic(summed) == pytest.approx(46 * 109_482_240)


def test_stored_pairs_are_moved_and_fused_ones_are_not() -> None:
    short, long = ((2048,), (512,) * 4)
    for name, grows in (("bertkit", False), ("unfused", True)):
        moved = [traffic(work(lengths=lengths, software=SOFTWARE[name])) for lengths in (long, short)]
        assert (moved[1] > 1.5 * moved[0]) == grows


def test_all_logits_are_of_all_tokens() -> None:
    masked, everyone = (work(mode="pre-training", software=SOFTWARE[n]) for n in ("bertkit", "transformers"))
    assert arithmetic(everyone) > 1.2 * arithmetic(masked)


def test_every_operation_has_kernels() -> None:
    for name in SOFTWARE:
        for mode in ("inference", "fine-tuning", "lora", "pre-training"):
            found = operations(work(mode=mode, software=SOFTWARE[name]))
            assert all(one.kernels > 0 and one.flops >= 0 and one.bytes >= 0 for one in found)
