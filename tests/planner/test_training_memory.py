"""The memory of a training step: against what autograd keeps, and against what a process takes."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from contextlib import nullcontext
from itertools import pairwise
from pathlib import Path as File
from typing import Any

import pytest
import torch
import transformers

from bertkit.batching.token_batch import TokenBatch
from bertkit.config.encoder import EncoderConfig, RelativeBias, RotaryPositions
from bertkit.families.catalogue import FAMILIES
from bertkit.model.build import build_encoder
from bertkit.model.encoder import Encoder
from bertkit.model.init import initialise
from bertkit.model.lora import adapt
from bertkit.optimisation.layers import recompute
from bertkit.planner.activations import Path, step_bytes, training_path
from bertkit.planner.parameters import count_parameters
from bertkit.planner.training_memory import MemoryEstimate, Training, training_memory

HERE = File(__file__).parent
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
    return training_memory(config, Training(**{"micro_batch_tokens": 1024, "length": 128, **usual, **changes}))


def kept_bytes(
    config: EncoderConfig, lengths: list[int], precision: str, prepare: Callable[[Encoder], None] = lambda _: None
) -> int:
    """What autograd keeps of a pass through the encoder; weights and their copies left out."""
    encoder = build_encoder(config)
    initialise(encoder)
    if precision == "bfloat16-weights":
        encoder = encoder.bfloat16()
    prepare(encoder)
    batch = TokenBatch.pack([[1] * length for length in lengths], [[0] * length for length in lengths])
    half = torch.autocast("cpu", torch.bfloat16) if precision == "bfloat16" else nullcontext()
    with half:
        total = stored_bytes(encoder, lambda: encoder(batch))
    matrices = sum(p.numel() for p in encoder.layers.parameters() if p.ndim == 2)
    return total - (2 * matrices if precision == "bfloat16" else 0)


def stored_bytes(module: torch.nn.Module, run: Callable[[], object]) -> int:
    """The storages, each once, that autograd keeps of a pass through the module, its weights left out."""
    weights = {parameter.untyped_storage().data_ptr() for parameter in module.parameters()}
    kept: dict[int, torch.Tensor] = {}  # the tensors too: else a freed one's address comes again

    def pack(tensor: torch.Tensor) -> torch.Tensor:
        if tensor.untyped_storage().data_ptr() not in weights:
            kept[tensor.untyped_storage().data_ptr()] = tensor
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
        out = run()
    del out
    return sum(tensor.untyped_storage().nbytes() for tensor in kept.values())


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


def of_two_layers(config: EncoderConfig, count: Callable[[EncoderConfig], int]) -> int:
    """What two more layers add: temporaries, embeddings and head are the same in both."""
    return count(config.model_copy(update={"layer_of_step": tuple(range(4))})) - count(config)


@pytest.mark.parametrize("name", ["bert", "gated"])
def test_what_a_pass_keeps_where_layers_recompute(name: str) -> None:
    lengths = [128] * 4
    theirs = of_two_layers(CONFIGS[name], lambda c: kept_bytes(c, lengths, "float32", recompute))
    ours = of_two_layers(CONFIGS[name], lambda c: kept(c, 512, training_path("float32", "cpu", recompute=True)))
    assert ours == theirs


def kept(config: EncoderConfig, tokens: int, path: Path, length: int = 128) -> int:
    """What the planner says that layers keep."""
    sights = [config.sight_of_step(step) for step in range(len(config.layer_of_step))]
    if path.recompute:
        return tokens * sum(config.width * path.stream for _ in sights)
    return tokens * sum(step_bytes(config, sight, length, path).kept for sight in sights)


@pytest.mark.parametrize(("implementation", "stores_pairs"), [("eager", True), ("sdpa", False)])
def test_what_a_padded_program_keeps(implementation: str, stores_pairs: bool) -> None:
    # torch has no fused kernel with dropout for CPUs: without it, attention is fused there as on a GPU.
    dropout = {"attention_dropout": 0.1 if stores_pairs else 0.0}
    config = CONFIGS["bert"].model_copy(update=dropout)
    path = Path("cpu" if stores_pairs else "cuda", 4, 4, padded=True, stores_pairs=stores_pairs)

    def theirs(config: EncoderConfig) -> int:
        their_config = transformers.BertConfig(
            vocab_size=config.vocab_size,
            hidden_size=config.width,
            num_hidden_layers=config.layers,
            num_attention_heads=config.heads,
            intermediate_size=config.ffn_width,
            attention_probs_dropout_prob=config.attention_dropout,
            attn_implementation=implementation,
        )
        model = transformers.BertModel(their_config, add_pooling_layer=False).train()
        return stored_bytes(model, lambda: model(torch.ones(4, 128, dtype=torch.long)))

    assert of_two_layers(config, lambda c: kept(c, 512, path)) == pytest.approx(of_two_layers(config, theirs), rel=0.05)


def test_adapters_keep_what_all_weights_do_and_their_own_narrow_outputs() -> None:
    def adapted(encoder: Encoder) -> None:
        adapt(encoder, 8, 16.0, torch.Generator().manual_seed(0))

    config, lengths = CONFIGS["bert"], [128] * 4
    theirs = of_two_layers(config, lambda c: kept_bytes(c, lengths, "float32", adapted))
    ours = of_two_layers(config, lambda c: kept(c, 512, training_path("float32", "cpu")))
    assert ours == pytest.approx(theirs, rel=0.12)


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
    assert small.total == small.weights + small.optimiser + small.gradients + small.update
    assert estimate(config).update == 0


def test_the_peak_is_at_the_end_of_the_forward_or_of_the_backward_pass() -> None:
    config = FAMILIES["bert"].presets["base"]
    few, many = (estimate(config, micro_batch_tokens=tokens) for tokens in (128, 16_384))
    for one in (few, many):
        assert max(one.gradients, one.activations) <= one.working < one.gradients + one.activations
    assert few.working < 1.4 * few.gradients
    assert many.working < 1.1 * many.activations


def test_adapters_have_the_only_gradients() -> None:
    config = FAMILIES["bert"].presets["base"]
    whole, adapters = (estimate(config, learnt=learnt) for learnt in ("fine-tuning", "lora"))
    head = 768 * 772
    adapted = 12 * 8 * ((768 + 3 * 768) + 2 * 768 + 2 * (768 + 3072)) + head
    assert (adapters.gradients, adapters.optimiser) == (4 * adapted, 8 * adapted)
    assert adapters.weights == pytest.approx(whole.weights, rel=0.01)
    assert adapters.total < 0.7 * whole.total


def test_a_process_takes_more_than_its_tensors_the_most_where_layers_recompute() -> None:
    config = FAMILIES["bert"].presets["base"]
    for precision in ("float32", "bfloat16-weights"):
        plain, again = (estimate(config, precision=precision, recompute=recompute) for recompute in (False, True))
        shares = [(one.process - one.weights - one.optimiser) / one.working for one in (plain, again)]
        assert 1.5 <= shares[0] < 2.0 <= shares[1]


# Steps of 65,536 tokens on an H100 80 GB (benchmarks/results/encoders_h100_2026-11-26.txt): GiB that torch allocated.
@pytest.mark.parametrize(
    ("size", "micro", "length", "precision", "padded", "gib"),
    [
        ("large", 32_768, 128, "bfloat16-weights", False, 32.8),
        ("large", 32_768, 128, "bfloat16", False, 36.0),
        ("large", 65_536, 128, "bfloat16-weights", False, 58.8),
        ("large", 32_768, 512, "bfloat16-weights", False, 32.8),
        ("base", 65_536, 128, "bfloat16-weights", False, 22.6),
        ("base", 65_536, 128, "bfloat16", False, 25.1),
        ("large", 16_384, 128, "bfloat16", True, 26.4),
        ("base", 16_384, 128, "bfloat16", True, 12.7),
    ],
)
def test_what_an_h100_took(size: str, micro: int, length: int, precision: str, padded: bool, gib: float) -> None:
    config = FAMILIES["bert"].presets[size]
    changes = {"micro_batch_tokens": micro, "length": length, "precision": precision, "padded": padded}
    assert estimate(config, device="cuda", **changes).total / 2**30 == pytest.approx(gib, rel=0.03)


@pytest.mark.slow
@pytest.mark.skipif(not File("/proc/self/status").exists(), reason="reads /proc/self/status")
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
