"""The facts of the planner's page, made from the tables; running this file as a module makes them again.

python -m tests.planner.page_facts
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace

from bertkit.config.batch_tokens import batch_tokens
from bertkit.config.encoder import EncoderConfig
from bertkit.families.known import known_models
from bertkit.planner.devices import Device, load_devices
from bertkit.planner.formulas import TABLE
from bertkit.planner.inputs import device_inputs, kernel_inputs, model_inputs, rate_inputs, software_inputs
from bertkit.planner.links import LINKS
from bertkit.planner.plan import likely_range
from bertkit.planner.prices import load_prices, prices_of
from bertkit.planner.rates import BYTES, TORCH_KINDS, best_precision, rate
from bertkit.planner.software import SOFTWARE

FACTS = TABLE.with_name("facts.json")


def facts() -> str:
    """The file as the tables have it."""
    kernels: list[Mapping[str, float]] = []
    models = {name: _model(config, kernels) for name, config in known_models().items()}
    made = {
        "bytes": BYTES,
        "links": {name: 1e9 * gigabytes for name, gigabytes in LINKS.items()},
        "engines": {
            name: {
                "inference": _plain(software_inputs(software, trains=False)),
                "training": _plain(software_inputs(software, trains=True)),
            }
            for name, software in SOFTWARE.items()
        },
        "kernels": [_plain(one) for one in kernels],
        "devices": {device.name: _device(device) for device in load_devices()},
        "models": models,
    }
    lines = (f"{json.dumps(key)}: {_lines(value)}" for key, value in made.items())
    return "{\n" + ",\n".join(lines) + "\n}\n"


def _lines(value: object) -> str:
    """One thing a line, so that a change is seen."""
    if isinstance(value, dict):
        return "{\n" + ",\n".join(f"{json.dumps(key)}: {json.dumps(one)}" for key, one in value.items()) + "\n}"
    return json.dumps(value)


def _plain(values: Mapping[str, float]) -> dict[str, float]:
    return {name: int(value) if isinstance(value, bool) else value for name, value in values.items()}


def _model(config: EncoderConfig, kernels: list[Mapping[str, float]]) -> dict[str, object]:
    def number(kind: str, half: bool) -> int:
        found = kernel_inputs(config, kind, half)
        if found not in kernels:
            kernels.append(found)
        return kernels.index(found)

    return {
        "inputs": _plain(model_inputs(config)),
        "layer_of_step": config.layer_of_step,
        "pattern": config.attention_pattern,
        "kernels": {
            name: {"full": number(kind, False), "half": number(kind, True)}
            for name, kind in (("cpu", "cpu"), ("gpu", "cuda"))
        },
    }


def _device(device: Device) -> dict[str, object]:
    row = device.row
    found = {precision: rate(device, precision) for precision in BYTES}
    of_one = {name: value for name, value in device_inputs(replace(device, count=1)).items() if name != "ranks"}
    return {
        "inputs": _plain({name: value for name, value in of_one.items() if name != "cores"}),
        "rates": {
            precision: {
                **_plain(rate_inputs(device, precision)),
                **dict(zip(("low", "high"), likely_range(device, known), strict=True)),
                "evidence": known.evidence,
            }
            for precision, known in found.items()
            if known is not None
        },
        "best_precision": best_precision(device),
        "plan_tokens": batch_tokens("plan", TORCH_KINDS[row.kind]),
        "cores": row.cores,
        "link": row.link,
        "price_usd": row.price_usd,
        "rents": [
            {"usd_an_hour": one.usd_an_hour, "provider": one.provider, "date": one.date}
            for one in prices_of(device, load_prices())
        ],
        "source": row.source,
        "read_on": device.read_on,
    }


if __name__ == "__main__":
    FACTS.write_text(facts(), encoding="utf-8")
