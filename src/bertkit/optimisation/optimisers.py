"""The optimiser of a run, from its settings: which parameters decay, and at which rate each learns."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from torch import nn
from torch.optim import AdamW, Optimizer

from bertkit.config.training import Optimiser
from bertkit.optimisation.lamb import Lamb
from bertkit.optimisation.muon import MuonWithAdamW

LAYER = re.compile(r"(?:^|\.)layers\.(\d+)\.")
BELOW = re.compile(r"(?:^|\.)(?:embeddings|distance_bias)\.")
ENCODER = re.compile(r"(?:^|\.)encoder\.")
FUSED_DEVICES = {"cpu", "cuda"}


@dataclass(frozen=True, slots=True)
class ParameterKind:
    """What parameters of one group have in common.

    Attributes:
        decays: false for all of one dimension: norms and biases.
        depth: 0 for the embeddings, then the layers from 1 on, then what is above them.
        orthogonal: a matrix inside a layer, where Muon is the optimiser.
        head: not the encoder's.
    """

    decays: bool
    depth: int
    orthogonal: bool
    head: bool


def build_optimiser(
    named_parameters: Iterable[tuple[str, nn.Parameter]], settings: Optimiser, layers: int
) -> Optimizer:
    """One optimiser of all the parameters that learn, whatever its name: one object, one state.

    Each group has the keys of torch's optimisers and `initial_lr`, its highest rate (`set_rate` reads it). The rate of
    a layer is `layer_decay` times that of the layer above it, embeddings lowest, heads and all else above the layers
    whole (Clark et al. 2020, A.2). Parameters may be divided between ranks (FSDP2), and must be already.

    Args:
        named_parameters: as `named_parameters()` gives them: layer `i` under `layers.i.`, embeddings under
            `embeddings.`, inside whatever they are in.
        layers: layers of the encoder that have weights of their own.
    """
    kinds: dict[ParameterKind, list[nn.Parameter]] = {}
    for name, parameter in named_parameters:
        if parameter.requires_grad:
            kinds.setdefault(_kind(name, parameter, settings, layers), []).append(parameter)
    groups = [_group(kind, parameters, settings, layers) for kind, parameters in kinds.items()]
    fused = all(p.device.type in FUSED_DEVICES for parameters in kinds.values() for p in parameters)
    if settings.name == "lamb":
        return Lamb(groups)
    return MuonWithAdamW(groups, fused=fused) if settings.name == "muon" else AdamW(groups, fused=fused)


def set_rate(optimiser: Optimizer, multiplier: float) -> None:
    """Set the rate of every group to its highest times `multiplier`."""
    for group in optimiser.param_groups:
        group["lr"] = group["initial_lr"] * multiplier


def encoder_rate(optimiser: Optimizer) -> float:
    """The present rate of the encoder's highest layer; of all that learns, where that is a head alone."""
    return float(max(group["lr"] / group["times"] for group in optimiser.param_groups))


def _kind(name: str, parameter: nn.Parameter, settings: Optimiser, layers: int) -> ParameterKind:
    return ParameterKind(
        decays=parameter.ndim >= 2,
        depth=_depth(name, layers) if settings.layer_decay != 1.0 else 0,
        orthogonal=settings.name == "muon" and parameter.ndim == 2 and LAYER.search(name) is not None,
        head=settings.head_times != 1.0 and ENCODER.search(name) is None,
    )


def _depth(name: str, layers: int) -> int:
    if layer := LAYER.search(name):
        return 1 + int(layer.group(1))
    return 0 if BELOW.search(name) else layers + 1


def _group(kind: ParameterKind, parameters: list[nn.Parameter], settings: Optimiser, layers: int) -> dict[str, Any]:
    share = settings.layer_decay ** (layers + 1 - kind.depth)
    times = settings.head_times if kind.head else 1.0
    share *= times
    highest = share * (settings.muon_learning_rate if kind.orthogonal else settings.learning_rate)
    group = {
        "params": parameters,
        "lr": highest,
        "initial_lr": highest,
        "times": times,
        "betas": tuple(settings.betas),
        "eps": settings.eps,
        "weight_decay": settings.weight_decay if kind.decays else 0.0,
    }
    if settings.name == "lamb":
        group["adapt"] = kind.decays
    if settings.name == "muon":
        group["orthogonal"] = kind.orthogonal
    return group
