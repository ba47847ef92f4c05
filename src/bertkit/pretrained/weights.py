"""The second half of an open checkpoint, its weights: from tensors on disk to modules that have them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor, nn

from bertkit.config.encoder import EncoderConfig
from bertkit.errors import BadCheckpoint
from bertkit.families.contract import HeadShape, Reads, Weight
from bertkit.model.build import build_encoder
from bertkit.model.encoder import Encoder
from bertkit.model.heads import new_head
from bertkit.model.int8_parts import take_int8
from bertkit.pretrained.int8_names import scales_of, with_endings
from bertkit.pretrained.name_table import NameTable, stored_names
from bertkit.tasks.contract import Task


@dataclass(frozen=True, slots=True)
class Weights:
    """The tensors of a checkpoint, and what they are for.

    Attributes:
        tensors: under the family's present names.
        source: what they were read from, for errors.
        int8: whether they are those of an int8 folder as they are stored, and modules take them so.
    """

    config: EncoderConfig
    tensors: Mapping[str, Tensor]
    source: str
    int8: bool = False

    def encoder(self, table: NameTable) -> Encoder:
        """The encoder in evaluation mode, its weights as stored, mapped from the file but for those stacked.

        Raises:
            BadCheckpoint: as `to_ours`.
        """
        with torch.device("meta"):
            encoder = build_encoder(self.config)
        self.fill(encoder, table)
        return encoder.eval()

    def head(self, table: NameTable, shape: HeadShape, task: Task, reads: Reads | None) -> nn.Module:
        """The family's head for a task, in evaluation mode.

        Args:
            shape: what it is made of.
            reads: what it reads, where the family leaves that open.

        Raises:
            BadCheckpoint: as `to_ours`.
        """
        assert task.head_name is not None
        with torch.device("meta"):
            head = new_head(task.head_name, shape, self.config, task.classes, reads)
        self.fill(head, table)
        return head.eval()

    def fill(self, module: nn.Module, table: NameTable) -> None:
        """Has a module take over its tensors.

        Args:
            table: the names of the module's own.

        Raises:
            BadCheckpoint: as `to_ours`.
        """
        if self.int8:
            take_int8(module, scales_of(table, self.tensors))
            table = replace(table, rows=with_endings(table.rows))
        module.load_state_dict(to_ours(table, self.tensors, module.state_dict(), self.source), assign=True)


def to_ours(
    table: NameTable, tensors: Mapping[str, Tensor], expected: Mapping[str, Tensor], source: str
) -> dict[str, Tensor]:
    """Our tensors from canonical ones.

    A tensor that stands for itself is passed on without a copy; one that is stacked from several is new.

    Args:
        expected: our state, for its shapes (the tensors may be on the meta device); rows that are not in it, as the
            biases of a model without biases, are passed over.
        source: what the tensors were read from, for errors.

    Raises:
        BadCheckpoint: a tensor is missing, is not of floating point (of int8 where our state is), or has not the shape
            that the configuration says.
    """
    ours: dict[str, Tensor] = {}
    missing: list[str] = []
    for row in table:
        if row.ours not in expected:
            continue
        names = stored_names(row, tensors)
        missing += [name for name, found in zip(row.theirs, names, strict=True) if found is None]
        parts = [tensors[name] for name in names if name is not None]
        if len(parts) == len(names):
            _check_parts(table, row, parts, expected[row.ours], source)
            ours[row.ours] = parts[0] if len(parts) == 1 else torch.cat(parts)
    if missing:
        more = f" and {len(missing) - 1} more" if len(missing) > 1 else ""
        raise BadCheckpoint(f"{source}: no tensor {missing[0]}{more}")
    return ours


def _check_parts(table: NameTable, row: Weight, parts: Sequence[Tensor], like: Tensor, source: str) -> None:
    shape = like.shape
    for name, part, size in zip(row.theirs, parts, table.sizes(row, shape[0]), strict=True):
        if like.dtype == torch.int8 and part.dtype != torch.int8:
            raise BadCheckpoint(f"{source}: tensor {name} is not of int8, and what it is stacked with is")
        if like.dtype != torch.int8 and not part.is_floating_point():
            raise BadCheckpoint(
                f"{source}: tensor {name} is of {str(part.dtype).removeprefix('torch.')}, not of floating point",
                "Use the checkpoint as it was before it was quantised, in float32, float16 or bfloat16.",
            )
        expected = (size, *shape[1:])
        if part.shape != expected:
            raise BadCheckpoint(
                f"{source}: tensor {name} has shape {tuple(part.shape)}, the configuration says {expected}",
                "Use the configuration that belongs to these weights.",
            )
