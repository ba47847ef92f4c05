"""Random questions, as the page asks them, and what Python answers."""

from __future__ import annotations

import random
from dataclasses import replace
from typing import Any

from bertkit.config.encoder import EncoderConfig
from bertkit.families.known import changed, known_models
from bertkit.planner.devices import load_devices
from bertkit.planner.links import LINKS
from bertkit.planner.plan import Question, make_plan
from bertkit.planner.prices import load_prices, prices_of
from bertkit.planner.rates import BYTES
from bertkit.planner.software import SOFTWARE

MODELS, DEVICES = known_models(), {device.name: device for device in load_devices()}
MODES = ("inference", "fine-tuning", "lora", "pre-training")
NAMED = ("compute_seconds", "bandwidth_seconds", "launch_seconds", "summing_seconds", "parameters", "peak_share")


def random_question(chance: random.Random) -> dict[str, Any]:
    """Any model on any devices, whether that makes sense or not."""
    model, device = chance.choice(sorted(MODELS)), DEVICES[chance.choice(sorted(DEVICES))]
    sizes = None
    if chance.random() < 0.15:
        heads, model = chance.randint(1, 20), "bert-base"
        sizes = {
            "layers": chance.randint(1, 40),
            "heads": heads,
            "width": 64 * heads,
            "ffn_width": chance.randint(64, 8192),
            "vocab_size": chance.randint(100, 300_000),
        }
    most, mode = MODELS[model].max_length, chance.choice(MODES)
    precisions = [name for name in BYTES if mode == "inference" or name not in ("int8", "fp8")]
    return {
        "model": model,
        "sizes": sizes,
        "device": device.name,
        "count": chance.choice((1, 1, 2, 3, 8, 64)),
        "mode": mode,
        "precision": chance.choice((None, None, *precisions)),
        "engine": chance.choice(sorted(SOFTWARE)),
        "lengths": [
            chance.choice((chance.randint(1, most), chance.randint(1, 512))) for _ in range(chance.randint(1, 4))
        ],
        "batch": chance.choice((None, None, 1, 7, 32, 300)),
        "recompute": mode != "inference" and chance.random() < 0.3,
        "link": chance.choice((None, None, *LINKS)),
        "lora_rank": chance.choice((1, 8, 32)),
    }


def config_of(asked: dict[str, Any]) -> EncoderConfig:
    """The encoder of a question."""
    config = MODELS[asked["model"]]
    if asked["sizes"] is None:
        return config
    sizes = dict(asked["sizes"])
    return changed(config, {"layer_of_step": tuple(range(sizes.pop("layers"))), **sizes}, "a question")


def expected(asked: dict[str, Any]) -> dict[str, Any]:
    """What Python says, by the page's names."""
    device = replace(DEVICES[asked["device"]], count=asked["count"])
    plan = make_plan(
        Question(
            asked["model"],
            config_of(asked),
            device,
            asked["mode"],
            tuple(asked["lengths"]),
            SOFTWARE[asked["engine"]],
            batch=asked["batch"],
            precision=asked["precision"],
            lora_rank=asked["lora_rank"],
            recompute=asked["recompute"],
            link=asked["link"],
        )
    )
    need, timed = plan.needed, plan.time is not None
    prices = prices_of(device, load_prices())
    found = {
        "precision": plan.work.precision,
        "batch": plan.batch,
        "verdict": plan.verdict,
        "binds": plan.binds,
        "largest_batch": plan.largest_batch,
        "longest": plan.longest,
        "weights_bytes": need.weights,
        "gradients_bytes": need.gradients,
        "optimiser_bytes": need.optimiser,
        "activations_bytes": need.activations,
        "needed_bytes": need.total,
        "batch_flops": plan.flops,
        "batch_bytes": plan.bytes,
        "batch_seconds": plan.seconds,
        "sequences_per_second": plan.sequences_per_second,
        "tokens_per_second": plan.tokens_per_second,
        "hours_of_a_million": plan.hours_of_a_million(),
        "kwh_of_a_million": plan.energy_of_a_million_kwh(),
        "usd_of_a_million": plan.cost_of_a_million(prices[0]) if prices else None,
        "room_bytes": plan.room,
        "low": plan.speed_range[0] if timed else None,
        "high": plan.speed_range[1] if timed else None,
        **{name: plan.values[name] if timed else None for name in NAMED},
    }
    return {name: value for name, value in found.items() if value is not None}
