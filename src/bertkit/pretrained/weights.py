"""A family's tensor names, ours and theirs, applied to tensors in both directions."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from bertkit.config.encoder import EncoderConfig
from bertkit.errors import BadCheckpoint
from bertkit.families.contract import Family, Weight

if TYPE_CHECKING:
    from bertkit.families.foreign_config import ForeignConfig

Tensors = dict[str, Tensor]
# What torch's compiler, its sharding and its recomputing call the module that they wrap, wherever that is.
WRAPPERS = ("_orig_mod", "_fsdp_wrapped_module", "_checkpoint_wrapped_module")


def canonical(family: Family, tensors: Mapping[str, Tensor]) -> Tensors:
    """Checkpoint tensors under the family's present names: no encoder prefix, no old ending, nothing ignored."""
    renamed: Tensors = {}
    for name, tensor in tensors.items():
        for old, new in family.old_endings.items():
            if name.endswith(old):
                name = name.removesuffix(old) + new
        name = name.removeprefix(family.prefix)
        if not name.endswith(family.ignored):
            renamed[name] = tensor
    return renamed


def refuse_wrapped(family: Family, tensors: Mapping[str, Tensor], source: str) -> None:
    """Refuse canonical names to which a wrapper has added a part of its own.

    Raises:
        BadCheckpoint: naming what is added, if it was a wrapper.
    """
    table = next(row.theirs[0] for row in family.encoder if row.ours == "embeddings.token.weight")
    found = next((name for name in tensors if name.endswith(f".{table}")), None)
    added = found.removesuffix(table) if found is not None and table not in tensors else None
    if added is None:
        added = next((f"{part}." for name in tensors for part in name.split(".") if part in WRAPPERS), None)
    elif added != family.prefix:
        added = added.removesuffix(family.prefix)
    if added is not None:
        raise BadCheckpoint(
            f"{source}: the tensors' names have {added!r} in them, which a wrapper of the model has put there",
            f"Save the state_dict() of the model inside the wrapper, or take {added!r} out of the names.",
        )


@dataclass(frozen=True, slots=True)
class NameTable:
    """A family's rows with every layer's number filled in: our names and theirs, for one checkpoint.

    Args:
        rows: of the encoder or of a head.
        config: the encoder, whose sizes say how stacked tensors are made up.
        places: what stands for `{layer}` in their names, for each of our layers.
    """

    rows: tuple[Weight, ...]
    config: EncoderConfig
    places: tuple[str, ...]

    def __iter__(self) -> Iterator[Weight]:
        for row in self.rows:
            if not row.is_in(self.config):
                continue
            if "{layer}" not in row.ours:
                yield row
                continue
            for layer, place in enumerate(self.places):
                theirs, aliases = (
                    tuple(n.replace("{layer}", place) for n in some) for some in (row.theirs, row.aliases)
                )
                yield replace(row, ours=row.ours.replace("{layer}", str(layer)), theirs=theirs, aliases=aliases)

    def is_whole(self, present: Iterable[str]) -> bool:
        """Whether a checkpoint with these (canonical) names has every tensor of the table."""
        present = set(present)
        return all(set(row.theirs) <= present or not present.isdisjoint(row.aliases) for row in self)

    def to_ours(self, tensors: Mapping[str, Tensor], expected: Mapping[str, Tensor], source: str) -> Tensors:
        """Our tensors from canonical ones.

        A tensor that stands for itself is passed on without a copy; one that is stacked from several is new.

        Args:
            expected: our state, for its shapes (the tensors may be on the meta device); rows that are not in it, as the
                biases of a model without biases, are passed over.
            source: what the tensors were read from, for errors.

        Raises:
            BadCheckpoint: a tensor is missing, is not of floating point, or has not the shape that the configuration
                says.
        """
        ours: Tensors = {}
        missing: list[str] = []
        for row in self:
            if row.ours not in expected:
                continue
            parts = [_find(name, row.aliases, tensors) for name in row.theirs]
            missing += [name for name, part in zip(row.theirs, parts, strict=True) if part is None]
            found = [part for part in parts if part is not None]
            if len(found) == len(parts):
                self._check_parts(row, found, expected[row.ours].shape, source)
                ours[row.ours] = found[0] if len(found) == 1 else torch.cat(found)
        if missing:
            more = f" and {len(missing) - 1} more" if len(missing) > 1 else ""
            raise BadCheckpoint(f"{source}: no tensor {missing[0]}{more}")
        return ours

    def to_theirs(self, ours: Mapping[str, Tensor], prefix: str = "") -> Tensors:
        """Their tensors from ours: the exact inverse of `to_ours`."""
        theirs: Tensors = {}
        for row in self:
            if row.ours in ours:
                parts = ours[row.ours].split(self._sizes(row, len(ours[row.ours])))  # type: ignore[no-untyped-call]
                theirs |= {prefix + name: part for name, part in zip(row.theirs, parts, strict=True)}
        return theirs

    def _sizes(self, row: Weight, rows: int) -> list[int]:
        """How many of our tensor's rows each of theirs has."""
        if row.by_heads:
            return [count * self.config.head_width for count in (self.config.heads, *2 * (self.config.groups,))]
        return [rows // len(row.theirs)] * len(row.theirs)

    def _check_parts(self, row: Weight, parts: Sequence[Tensor], shape: torch.Size, source: str) -> None:
        for name, part, size in zip(row.theirs, parts, self._sizes(row, shape[0]), strict=True):
            if not part.is_floating_point():
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


def name_table(foreign: ForeignConfig, config: EncoderConfig, rows: tuple[Weight, ...]) -> NameTable:
    """A family's rows for the checkpoint that a `config.json` describes."""
    places = [foreign.family.layer_place(layer, foreign.values) for layer in range(config.layers)]
    return NameTable(rows, config, tuple(places))


def _find(name: str, aliases: Iterable[str], tensors: Mapping[str, Tensor]) -> Tensor | None:
    return next((tensors[n] for n in (name, *aliases) if n in tensors), None)
