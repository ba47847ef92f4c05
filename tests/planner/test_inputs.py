"""What formulas begin with: choices asked of those who make them, and steps of which some stand for all."""

from __future__ import annotations

import pytest

from bertkit.config.encoder import EncoderConfig
from bertkit.config.kernels import takes_chunks
from bertkit.families.catalogue import FAMILIES
from bertkit.families.known import known_models
from bertkit.planner import inputs
from bertkit.planner.formulas import Values
from bertkit.planner.inputs import Given, kernel_inputs, mode_inputs, model_inputs, step_inputs
from bertkit.planner.memory import needed
from bertkit.planner.software import SOFTWARE
from bertkit.planner.work import Work
from tests.planner.asked import BASE, device

MODERN = FAMILIES["modernbert"].presets["base"]


@pytest.mark.parametrize("radius", [0, 1, 64])
def test_the_table_and_the_model_agree_on_chunks(radius: int) -> None:
    config = MODERN.model_copy(update={"window_radius": radius})
    for length in (1, 3, 4, 3 * radius, 3 * radius + 1, 4096):
        given = {**model_inputs(config), **kernel_inputs(config, "cpu", half=False)}
        in_chunks = bool(Values(given, [max(1, length)])["local_in_chunks"])
        assert in_chunks == takes_chunks(max(1, length), radius, biased=False)


def test_which_kernel_runs_is_asked_of_the_model(monkeypatch: pytest.MonkeyPatch) -> None:
    work = Work(BASE, "fine-tuning", (128,) * 8, "float32", SOFTWARE["bertkit"])
    before = needed(work, device("EPYC Zen 4"))
    inputs.kernel_inputs.cache_clear()
    monkeypatch.setattr(inputs, "attention_kernel", lambda *_, **__: "by-length")
    assert needed(work, device("EPYC Zen 4")).activations != before.activations
    inputs.kernel_inputs.cache_clear()


def all_steps(config: EncoderConfig) -> list[Given]:
    """Those that `step_inputs` leaves out too."""
    local = [config.sight_of_step(step) == "L" for step in range(len(config.layer_of_step))]
    first = {config.layer_of_step.index(layer) for layer in config.layer_of_step}
    return [
        {
            "is_local": one,
            "is_last": step == len(local) - 1,
            "globals_before": step - sum(local[:step]),
            "locals_before": sum(local[:step]),
            "layers_after": sum(begins > step for begins in first),
        }
        for step, one in enumerate(local)
    ]


@pytest.mark.parametrize("mode", ["fine-tuning", "lora", "pre-training"])
@pytest.mark.parametrize("name", ["bert-large", "albert-base", "modernbert-base", "distilbert"])
def test_steps_that_are_left_out_change_nothing(name: str, mode: str) -> None:
    config = known_models()[name]
    for tokens in (64, 4096, 65_536):
        given = {
            **model_inputs(config),
            **kernel_inputs(config, "cuda", half=True),
            **mode_inputs(mode),
            "size": 2,
            "packed": True,
            "padded": False,
            "stores_pairs": False,
            "is_cpu": False,
            "recompute": False,
            "tokens": tokens,
            "longest": 64,
        }
        some, whole = (Values(given, steps=steps) for steps in (step_inputs(config), all_steps(config)))
        assert some["step_moment"] == whole["step_moment"]
        assert some["kept_so_far"] == whole["kept_so_far"]
    assert len(step_inputs(known_models()["bert-large"])) <= 4
