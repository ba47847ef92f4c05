"""A checkpoint with its weights in int8, in memory: it answers as it is, and is saved as a folder of its own."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace
from types import MappingProxyType

import torch
from torch import Tensor, nn

from bertkit.checkpoints.stored import StoredTensors
from bertkit.errors import UserError
from bertkit.families.contract import Weight
from bertkit.model.build import build_encoder
from bertkit.model.int8_parts import int8_weights
from bertkit.pretrained.checkpoint import Pretrained
from bertkit.pretrained.int8_folder import Quantisation, quantised
from bertkit.pretrained.int8_names import as_floats

DENSE = "dense.weight"  # of a head, before its last layer


def int8_form(
    pretrained: Pretrained, inputs: Mapping[str, Tensor] = MappingProxyType({}), kept: Collection[str] = ()
) -> Pretrained:
    """The checkpoint in int8: linear layers but the last of a head, and the tables of tokens and positions.

    Args:
        inputs: by our names of weights of the encoder, the scales of what they are multiplied by: see `Quantisation`.
        kept: our names of the encoder's weights that stay in floating point: bfloat16, half of the bytes of float32.

    Raises:
        UserError: as `check_can_be_int8`.
    """
    check_can_be_int8(pretrained)
    with torch.device("meta"):
        parts = int8_weights(build_encoder(pretrained.config))
    how = {
        name: Quantisation(torch.float16 if isinstance(part, nn.Embedding) else torch.float32, inputs.get(name))
        for name, part in parts.items()
        if name not in kept
    }
    rows = pretrained.table(pretrained.family.encoder)
    stored = quantised(rows, pretrained.tensors, how)
    stored |= {name: stored[name].bfloat16() for row in rows if row.ours in kept for name in row.theirs}
    stored = quantised(_dense_rows(pretrained), stored, {DENSE: Quantisation()})
    int8 = StoredTensors.of(stored)
    return replace(pretrained, int8=int8, tensors=as_floats(int8))


def check_can_be_int8(pretrained: Pretrained) -> None:
    """Sees that a checkpoint can become int8.

    Raises:
        UserError: as `check_floating`.
    """
    check_floating(pretrained, "int8")


def check_floating(pretrained: Pretrained, what: str) -> None:
    """Sees that a checkpoint is one encoder with weights in floating point, which can be made something else.

    Args:
        what: is to be made of it.

    Raises:
        UserError: it is a cascade, several encoders, a graph, or is int8 already.
    """
    pretrained.check_single(what)
    if not pretrained.has_weights:
        raise UserError(
            f"{pretrained.source}: has a graph and no weights", "Take the checkpoint that it was exported from."
        )
    if pretrained.int8 is not None:
        raise UserError(f"{pretrained.source}: is int8 already", "Compress the model that it was made from.")
    if pretrained.settings is not None and pretrained.settings.routed:
        raise UserError(
            f"{pretrained.source}: a model of several encoders", "Compress the folder of one of its encoders instead."
        )


def _dense_rows(pretrained: Pretrained) -> list[Weight]:
    """The rows of the heads' dense layers."""
    shapes = [pretrained.family.heads[name] for name in pretrained.heads]
    return [row for shape in shapes for row in pretrained.table(shape.weights) if row.ours == DENSE]
