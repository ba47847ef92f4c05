"""Questions that plans are tried with."""

from __future__ import annotations

from dataclasses import replace

from bertkit.families.catalogue import FAMILIES
from bertkit.planner.devices import Device, find_device, load_devices
from bertkit.planner.plan import Question
from bertkit.planner.software import SOFTWARE

DEVICES = load_devices()
BASE, LARGE = (FAMILIES["bert"].presets[size] for size in ("base", "large"))


def device(name: str) -> Device:
    return find_device(name, DEVICES)


ASKED = Question("bert-base", BASE, device("RTX 3060"), "inference", (512,), SOFTWARE["bertkit"], batch=32)
TRAINED = replace(ASKED, model="bert-large", config=LARGE, mode="fine-tuning", lengths=(384,))
