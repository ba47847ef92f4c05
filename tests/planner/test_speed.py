"""Time by roofline: what binds, and that nothing exceeds what the device can do."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bertkit.errors import UserError
from bertkit.families.catalogue import FAMILIES
from bertkit.planner.devices import Device, find_device, load_devices
from bertkit.planner.rates import best_precision
from bertkit.planner.software import SOFTWARE
from bertkit.planner.speed import FITTED, batch_time
from bertkit.planner.work import Work

DEVICES = load_devices()
BASE, LARGE = (FAMILIES["bert"].presets[size] for size in ("base", "large"))
WORK = Work(BASE, "inference", (512,) * 32, "bfloat16", SOFTWARE["bertkit"])


def device(name: str) -> Device:
    return find_device(name, DEVICES)


@pytest.mark.parametrize("one", DEVICES, ids=lambda one: one.name)
def test_no_device_exceeds_its_peak(one: Device) -> None:
    if one.name.startswith(("RTX PRO 5000", "Apple M5")):
        pytest.skip("its rate is unknown")
    for mode in ("inference", "pre-training"):
        found = batch_time(replace(WORK, mode=mode, precision=best_precision(one)), one)
        assert 0.0 < found.peak_share < 1.0
        assert found.seconds == found.compute + found.bandwidth + found.launch


def test_what_binds() -> None:
    h100 = device("H100 SXM")
    assert batch_time(WORK, h100).binds == "compute"
    assert batch_time(replace(WORK, lengths=(16,)), h100).binds == "launch"
    unfused = replace(WORK, mode="fine-tuning", software=SOFTWARE["unfused"])
    assert batch_time(unfused, h100).binds == "bandwidth"


def test_a_share_of_the_peak_that_depends_on_the_device_and_on_the_size() -> None:
    large = replace(WORK, config=LARGE, mode="fine-tuning", lengths=(384,) * 32, software=SOFTWARE["unfused"])
    shares = [
        batch_time(replace(large, precision="float16"), device(name)).peak_share
        for name in ("RTX 3090", "A100", "H100 SXM", "B200")
    ]
    # Lambda's figures give 54, 36, 23 and 17 %.
    assert shares == pytest.approx([0.54, 0.36, 0.23, 0.17], rel=0.2)
    by_size = [batch_time(replace(WORK, lengths=(128,) * n), device("A100")).peak_share for n in (1, 8, 64, 512)]
    assert by_size == sorted(by_size)
    assert by_size[0] < 0.25 * by_size[-1]


def test_more_tokens_and_slower_devices_take_longer() -> None:
    seconds = [batch_time(WORK, device(name)).seconds for name in ("H100 SXM", "A100", "RTX 3060", "EPYC Zen 4:2")]
    assert seconds == sorted(seconds)
    more = [batch_time(replace(WORK, lengths=(512,) * n), device("A100")).seconds for n in (1, 2, 64)]
    assert more == sorted(more)


def test_cores_share_the_work() -> None:
    one, eight = (batch_time(WORK, device(f"EPYC Zen 4:{cores}")).seconds for cores in (1, 8))
    assert one == pytest.approx(8 * eight)


def test_two_cores_are_as_fast_as_they_were_measured() -> None:
    work = replace(WORK, lengths=(128,) * 8)
    for precision, tokens in (("bfloat16", 2016), ("float32", 1144)):
        seconds = batch_time(replace(work, precision=precision), device("EPYC Zen 4:2")).seconds  # type: ignore[arg-type]
        assert 8 * 128 / seconds == pytest.approx(tokens, rel=0.15)


@pytest.mark.parametrize(
    ("name", "precision", "remedy"),
    [
        ("RTX PRO 5000", "bfloat16", "--hardware"),
        ("T4", "bfloat16", "--precision"),
        ("MI300X", "int8", "--precision bfloat16 or float16"),
    ],
)
def test_an_unknown_rate_is_said(name: str, precision: str, remedy: str) -> None:
    with pytest.raises(UserError, match="is not known") as caught:
        batch_time(replace(WORK, precision=precision), device(name))  # type: ignore[arg-type]
    assert remedy in caught.value.remedy


def test_constants_are_shares() -> None:
    shares = [value for name, value in vars_of(FITTED).items() if name.endswith("_share")]
    assert all(0.0 < share < 1.0 for share in shares)


def vars_of(constants: object) -> dict[str, float]:
    return {name: getattr(constants, name) for name in type(constants).__dataclass_fields__}  # type: ignore[attr-defined]
