"""The memory of a training step: against what autograd keeps, and against what a process takes."""

from __future__ import annotations

import os
import subprocess
import sys
from contextlib import nullcontext
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import torch

from bertkit.batching.token_batch import TokenBatch
from bertkit.config.encoder import EncoderConfig, RelativeBias, RotaryPositions
from bertkit.families.catalogue import FAMILIES
from bertkit.model.build import build_encoder
from bertkit.model.init import initialise
from bertkit.planner.parameters import count_parameters
from bertkit.planner.training_memory import MemoryEstimate, training_memory

HERE = Path(__file__).parent
SIZES: dict[str, Any] = {"vocab_size": 50, "width": 64, "heads": 4, "ffn_width": 256, "layer_of_step": tuple(range(2))}
STILL: dict[str, Any] = {"hidden_dropout": 0.0, "attention_dropout": 0.0}
MODERN: dict[str, Any] = {
    "positions": None,
    "rotary": RotaryPositions(),
    "segment_types": 0,
    "pooler": False,
    "norm_at": "pre",
    "gated": True,
}
CONFIGS = {
    "bert": EncoderConfig(**SIZES),
    "without dropout": EncoderConfig(**SIZES, **STILL),
    "gated": EncoderConfig(**SIZES, **MODERN, **STILL),
    "local": EncoderConfig(**SIZES, **MODERN, **STILL, attention_pattern="GLL", window_radius=16),
    "biased by distance": EncoderConfig(**SIZES, **STILL, relative_bias=RelativeBias()),
    "biased, with dropout": EncoderConfig(**SIZES, relative_bias=RelativeBias()),
}


def estimate(config: EncoderConfig, **changes: Any) -> MemoryEstimate:
    usual: dict[str, Any] = {"precision": "float32", "optimiser": "adamw", "recompute": False}
    return training_memory(config, **{"micro_batch_tokens": 1024, "length": 128, **usual, **changes})


def kept_bytes(config: EncoderConfig, lengths: list[int], precision: str) -> int:
    """The storages, each once, that autograd keeps of a pass through the encoder; weights and their copies left out."""
    encoder = build_encoder(config)
    initialise(encoder)
    if precision == "bfloat16-weights":
        encoder = encoder.bfloat16()
    batch = TokenBatch.pack([[1] * length for length in lengths], [[0] * length for length in lengths])
    weights = {parameter.untyped_storage().data_ptr() for parameter in encoder.parameters()}
    kept: dict[int, torch.Tensor] = {}  # the tensors too: else a freed one's address comes again

    def pack(tensor: torch.Tensor) -> torch.Tensor:
        if tensor.untyped_storage().data_ptr() not in weights:
            kept[tensor.untyped_storage().data_ptr()] = tensor
        return tensor

    half = torch.autocast("cpu", torch.bfloat16) if precision == "bfloat16" else nullcontext()
    with half, torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
        encoder(batch)
    total = sum(tensor.untyped_storage().nbytes() for tensor in kept.values())
    matrices = sum(p.numel() for p in encoder.layers.parameters() if p.ndim == 2)
    return total - (2 * matrices if precision == "bfloat16" else 0)


@pytest.mark.parametrize("precision", ["float32", "bfloat16", "bfloat16-weights"])
@pytest.mark.parametrize("name", CONFIGS)
def test_what_a_pass_keeps(name: str, precision: str) -> None:
    # With dropout of attention a shorter sequence keeps fewer pairs; the estimate takes the longest for all.
    lengths = [128] * 4 if CONFIGS[name].attention_dropout else [128] * 2 + [100, 60, 60, 36]
    config, tokens = CONFIGS[name], sum(lengths)
    deeper = config.model_copy(update={"layer_of_step": tuple(range(4))})
    # The difference that two more layers make is what they keep: temporaries and the head are the same in both.
    ours, theirs = (
        [how(one) for one in (config, deeper)]
        for how in (
            lambda c: estimate(c, micro_batch_tokens=tokens, precision=precision).activations,
            lambda c: kept_bytes(c, lengths, precision),
        )
    )
    assert ours[1] - ours[0] == pytest.approx(theirs[1] - theirs[0], rel=0.12)


def test_weights_gradients_and_state_by_hand() -> None:
    config = FAMILIES["bert"].presets["base"]
    parameters = count_parameters(config) + 768 * 768 + 3 * 768 + 30522  # and the head
    plain = estimate(config)
    assert (plain.weights, plain.gradients, plain.optimiser) == (4 * parameters, 4 * parameters, 8 * parameters)
    half = estimate(config, precision="bfloat16-weights")
    assert (half.weights, half.gradients, half.optimiser) == (6 * parameters, 6 * parameters, 8 * parameters)
    assert estimate(config, precision="bfloat16").gradients == 4 * parameters
    matrices = 12 * (4 * 768**2 + 8 * 768**2)
    assert estimate(config, optimiser="muon").optimiser == 8 * parameters - 4 * matrices
    assert estimate(config, running_mean=True).optimiser == 12 * parameters


def test_ranks_share_what_is_kept_between_steps() -> None:
    config = FAMILIES["bert"].presets["base"]
    alone, shared = estimate(config), estimate(config, ranks_sharing=4)
    assert shared.optimiser == pytest.approx(alone.optimiser / 4)
    assert shared.weights == pytest.approx(1.25 * alone.weights)  # its part, and the whole during a step
    assert shared.activations == alone.activations
    half = estimate(config, ranks_sharing=4, precision="bfloat16-weights")
    assert half.weights == pytest.approx(0.75 * alone.weights)


def test_recomputing_keeps_less_and_more_tokens_keep_more() -> None:
    config = CONFIGS["without dropout"].model_copy(update={"layer_of_step": tuple(range(24))})
    assert estimate(config, recompute=True).activations < 0.4 * estimate(config).activations
    sizes = [estimate(config, micro_batch_tokens=tokens).total for tokens in (128, 1024, 8192)]
    assert all(more > less for less, more in pairwise(sizes))


def test_a_gpu_keeps_no_pairs_of_tokens() -> None:
    config = CONFIGS["bert"]
    on_cpu = [estimate(config, length=length).activations for length in (128, 512)]
    on_gpu = [estimate(config, length=length, device="cuda").activations for length in (128, 512)]
    assert on_cpu[1] > 2 * on_cpu[0]
    assert on_gpu[1] == on_gpu[0] < on_cpu[0]


def test_lambs_updates_count_where_they_are_the_most() -> None:
    config = FAMILIES["bert"].presets["tiny"]
    small = estimate(config, optimiser="lamb", micro_batch_tokens=1, length=1)
    assert small.update > small.activations / 4
    assert small.total == small.weights + small.gradients + small.optimiser + max(small.activations, small.update)
    assert estimate(config).update == 0


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="reads /proc/self/status")
@pytest.mark.parametrize(
    ("family", "preset", "tokens", "optimiser", "recompute"),
    [
        ("bert", "mini", 4096, "adamw", False),
        ("bert", "small", 2048, "lamb", True),
        ("bert", "base", 1024, "adamw", False),
        ("bert", "base", 512, "muon", True),
    ],
)
def test_what_a_process_takes(family: str, preset: str, tokens: int, optimiser: str, recompute: bool) -> None:
    values = [family, preset, str(tokens), "128", optimiser, str(int(recompute))]
    env = {**os.environ, "PYTHONPATH": str(HERE.parents[1] / "src")}
    command = [sys.executable, str(HERE / "one_step.py"), *values]
    taken = int(subprocess.run(command, capture_output=True, text=True, check=True, env=env).stdout)
    config = FAMILIES[family].presets[preset]
    expected = estimate(config, micro_batch_tokens=tokens, optimiser=optimiser, recompute=recompute)
    assert expected.total == pytest.approx(taken, rel=0.25)
