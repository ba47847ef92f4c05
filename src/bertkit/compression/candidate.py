"""A model as it would be after compression: what is int8 in it and how."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import torch
from torch import Tensor, nn

from bertkit.checkpoints.stored import StoredTensors
from bertkit.compression.blame import Blamed
from bertkit.compression.fixed_scales import column_scales, one_scale
from bertkit.compression.int8_form import int8_form
from bertkit.compression.observing import Extremes
from bertkit.config.kernels import FUSED
from bertkit.errors import NotFinite
from bertkit.model.build import build_encoder
from bertkit.model.encoder import Encoder
from bertkit.model.int8_parts import Part, int8_weights
from bertkit.model.mlp import MLP
from bertkit.pretrained.checkpoint import Pretrained

HALVES = {"fp16": torch.float16, "bf16": torch.bfloat16}


@dataclass(frozen=True)
class Int8Plan:
    """Which products of an encoder are int8, and how what they read becomes bytes.

    Attributes:
        scales: by our names of weights, fixed scales.
        kept: weights that stay in floating point.
        by_rows: weights whose inputs have a scale for each row, though fixed ones are known.
    """

    scales: Mapping[str, Tensor]
    kept: tuple[str, ...] = ()
    by_rows: tuple[str, ...] = ()

    def of(self, pretrained: Pretrained) -> Pretrained:
        """The checkpoint so."""
        fixed = {name: scale for name, scale in self.scales.items() if name not in self.by_rows}
        return int8_form(pretrained, fixed, self.kept)

    def without(self, blamed: list[Blamed]) -> Int8Plan:
        """The same but for some products: by rows where that is enough, else in floating point."""
        by_rows = tuple(one.name for one in blamed if one.by_rows)
        return replace(self, kept=tuple(one.name for one in blamed if not one.by_rows), by_rows=by_rows)


def parts_of(pretrained: Pretrained) -> tuple[Encoder, dict[str, Part]]:
    """The encoder without its weights, and what of it may be int8."""
    with torch.device("meta"):
        encoder = build_encoder(pretrained.config)
    return encoder, int8_weights(encoder)


def fixed_scales(pretrained: Pretrained, seen: Mapping[str, Extremes]) -> dict[str, Tensor]:
    """Scales of what layers read, from what they read.

    What the second layer of an MLP reads has one for all columns where the first writes it as bytes.
    """
    encoder, parts = parts_of(pretrained)
    mlps = {name: part for name, part in encoder.named_modules() if isinstance(part, MLP)}
    handed_on = {f"{name}.down.weight" for name, mlp in mlps.items() if mlp.activation in FUSED}
    rows = {row.ours: row.theirs for row in pretrained.table(pretrained.family.encoder)}
    scales = {}
    for name, extremes in seen.items():
        if isinstance(parts[name], nn.Linear):
            weight_OI = torch.cat([pretrained.tensors[theirs].float() for theirs in rows[name]])
            scales[name] = one_scale(extremes) if name in handed_on else column_scales(extremes, weight_OI)
    return scales


def half_form(pretrained: Pretrained, to: str) -> Pretrained:
    """The checkpoint with its numbers in 16 bits.

    Raises:
        NotFinite: a number is too large for float16.
    """
    dtype, tensors = HALVES[to], {}
    for name, tensor in pretrained.tensors.items():
        tensors[name] = tensor.to(dtype) if tensor.is_floating_point() else tensor
        if bool(tensors[name].isinf().any()) and not bool(tensor.isinf().any()):
            raise NotFinite(f"{pretrained.source}: {name} holds a number that is too large for {to}", "Use --to bf16.")
    said = {
        key: str(dtype).removeprefix("torch.") for key in ("dtype", "torch_dtype") if key in pretrained.foreign.values
    }
    foreign = replace(pretrained.foreign, values={**pretrained.foreign.values, **said})
    return replace(pretrained, foreign=foreign, tensors=StoredTensors.of(tensors), int8=None)
