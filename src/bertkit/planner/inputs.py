"""What the formulas begin with: numbers of a model, a device, a program, a piece of work.

All choices that are not arithmetic are made here, by who makes them elsewhere: which kernel attention takes is asked of
the function that the model asks (`config/kernels.py`), and how fast a device is of `rates.py`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import lru_cache

from bertkit.config.encoder import EncoderConfig
from bertkit.config.kernels import (
    CHUNK_RADII,
    FUSED,
    SHORT,
    Processor,
    attention_kernel,
    drops_by_hand,
    logits_chunk_bytes,
)
from bertkit.planner.devices import Device
from bertkit.planner.rates import BYTES, Precision, rate
from bertkit.planner.software import Software

# What memory is counted for: earlier GPUs, which keep more, are not told apart.
PLANNED = {"cpu": Processor("cpu"), "cuda": Processor("cuda", (8, 0))}
EARLY = {"volta", "turing"}
TENSOR_CORES: set[Precision] = {"tf32", "bfloat16", "float16", "fp8", "int8"}
Given = dict[str, float]


@lru_cache(maxsize=256)
def model_inputs(config: EncoderConfig) -> Mapping[str, float]:
    """Of an encoder."""
    steps = range(len(config.layer_of_step))
    local = sum(config.sight_of_step(step) == "L" for step in steps)
    return {
        "vocab_size": config.vocab_size,
        "width": config.width,
        "embed_width": config.embed_width or 0,
        "heads": config.heads,
        "kv_heads": config.kv_heads or 0,
        "ffn_width": config.ffn_width,
        "gated": config.gated,
        "layers": config.layers,
        "steps": len(steps),
        "local_steps": local,
        "global_steps": len(steps) - local,
        "radius": config.window_radius or 0,
        "segment_types": config.segment_types,
        "position_rows": config.positions.length if config.positions else 0,
        "rotary": config.rotary is not None,
        "bias_buckets": config.relative_bias.buckets if config.relative_bias else 0,
        "fused_activation": config.activation in FUSED,
        "attention_bias": config.attention_bias,
        "mlp_bias": config.mlp_bias,
        "norm_bias": config.norm_bias,
        "pre_norm": config.norm_at == "pre",
        "embedding_norm": config.embedding_norm,
        "first_attention_norm": config.first_attention_norm,
        "final_norm": config.final_norm,
        "hidden_dropout": config.hidden_dropout > 0,
        "attention_dropout": config.attention_dropout > 0,
        "pooler": config.pooler,
        "max_length": config.max_length,
    }


@lru_cache(maxsize=256)
def step_inputs(config: EncoderConfig) -> Sequence[Given]:
    """Of its steps: how far each sees, how many of either kind come before, how many layers begin after it.

    Steps between two of their like are left out: what the formulas make of them lies between what they make of these.
    """
    sights = [config.sight_of_step(step) for step in range(len(config.layer_of_step))]
    first = {layer: step for step, layer in reversed(list(enumerate(config.layer_of_step)))}
    last = len(sights) - 1
    kinds = [(sight, step in first.values(), step == last) for step, sight in enumerate(sights)]
    return [
        {
            "is_local": sights[step] == "L",
            "is_last": step == last,
            "globals_before": sights[:step].count("G"),
            "locals_before": sights[:step].count("L"),
            "layers_after": sum(begins > step for begins in first.values()),
        }
        for step in range(len(sights))
        if not (0 < step < last and kinds[step - 1] == kinds[step] == kinds[step + 1])
    ]


@lru_cache(maxsize=256)
def kernel_inputs(config: EncoderConfig, kind: str, half: bool) -> Mapping[str, float]:
    """Of the kernels that training takes on a processor of this kind, in half precision or not."""
    found: Given = {
        "drops_by_hand": drops_by_hand(kind),
        "logits_chunk_bytes": logits_chunk_bytes(kind),
        "short_length": SHORT,
        "chunk_radii": CHUNK_RADII,
    }
    for name, local in (("global", False), ("local", True)):
        kernel = attention_kernel(
            PLANNED[kind],
            half=half,
            head_width=config.head_width,
            grouped=config.groups != config.heads,
            local=local,
            biased=config.relative_bias is not None,
            drops=config.attention_dropout > 0,
            learns=True,
        )
        found[f"{name}_kernel_drops"] = kernel == "dropped"
        found[f"{name}_kernel_by_length"] = kernel == "by-length"
    return found


def device_inputs(device: Device) -> Given:
    """Of a device, whatever is computed there; 0 stands for what is not known."""
    row = device.row
    return {
        "is_cpu": row.kind == "cpu",
        "is_apple": row.kind == "apple",
        "early": row.generation in EARLY,
        "memory_gb": row.memory_gb or 0,
        "bandwidth_gb_s": row.bandwidth_gb_s or 0,
        "half_tflops": row.fp16_tflops or row.bf16_tflops or 0,
        "watts": row.watts or 0,
        "launch_us": row.launch_us or 0,
        "numbers_g_s": row.numbers_g_s or 0,
        "cores": device.count if row.kind == "cpu" else 1,
        "ranks": 1 if row.kind == "cpu" else device.count,
    }


def rate_inputs(device: Device, precision: Precision) -> Given:
    """Of a precision on one GPU or one core; attention is in half precision where weights have fewer bits."""
    one = replace(device, count=1)
    found = rate(one, precision)
    half = rate(one, "float16") or rate(one, "bfloat16") if BYTES[precision] == 1 else None
    peak = 0.0 if found is None else found.flops
    return {
        "unit_flops": peak,
        "unit_half_flops": peak if half is None else half.flops,
        "tensor_cores": precision in TENSOR_CORES and device.row.kind != "apple",
    }


def software_inputs(software: Software, trains: bool) -> Given:
    """Of a program: the forward and the backward pass of training, or inference."""
    passes = (1, 2) if trains else (0,)
    return {
        "packed": software.packed,
        "padded": not software.packed,
        "stores_pairs": software.stores_pairs,
        "width_passes": sum(software.width_passes[one] for one in passes),
        "ffn_passes": sum(software.ffn_passes[one] for one in passes),
        "rotary_passes": software.rotary_passes,
        "pair_passes": software.pair_passes[trains],
        "layer_kernels": sum(software.kernels[one] for one in passes),
        "forward_us": software.dispatch_us[0],
        "backward_us": software.dispatch_us[1],
        "predicts_all": software.predicts_all,
    }


def mode_inputs(mode: str, *, updates: bool = True, lora_rank: int = 8) -> Given:
    """Of what is done: `inference`, `fine-tuning`, `lora` or `pre-training`."""
    return {
        "trains": mode != "inference",
        "lora": mode == "lora",
        "pretrains": mode == "pre-training",
        "updates": updates,
        "lora_rank": lora_rank,
    }
