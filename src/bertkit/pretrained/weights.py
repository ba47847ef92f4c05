"""A family's tensor names, ours and theirs, applied to tensors in both directions."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

import torch
from torch import Tensor

from bertkit.errors import BadCheckpoint
from bertkit.families.contract import Family, Weight

Tensors = dict[str, Tensor]


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


def names(rows: Iterable[Weight], layers: int) -> Iterator[Weight]:
    """The rows of a table with every layer's number filled in."""
    for row in rows:
        if "{layer}" not in row.ours:
            yield row
            continue
        for layer in map(str, range(layers)):
            theirs, aliases = (tuple(n.replace("{layer}", layer) for n in some) for some in (row.theirs, row.aliases))
            yield Weight(row.ours.replace("{layer}", layer), theirs, aliases)


def has_all(rows: Iterable[Weight], layers: int, present: Iterable[str]) -> bool:
    """Whether a checkpoint with these (canonical) names has every tensor of the table."""
    present = set(present)
    return all(set(row.theirs) <= present or not present.isdisjoint(row.aliases) for row in names(rows, layers))


def to_ours(
    rows: Sequence[Weight], layers: int, tensors: Mapping[str, Tensor], expected: Mapping[str, Tensor], source: str
) -> Tensors:
    """Our tensors from canonical ones.

    A tensor that stands for itself is passed on without a copy; one that is stacked from several is new.

    Args:
        expected: our state, for its shapes (the tensors may be on the meta device).
        source: what the tensors were read from, for errors.

    Raises:
        BadCheckpoint: a tensor is missing or has another shape than the configuration says.
    """
    ours: Tensors = {}
    missing: list[str] = []
    for row in names(rows, layers):
        if row.ours not in expected:
            continue
        found = [_find(name, row.aliases, tensors) for name in row.theirs]
        missing += [name for name, tensor in zip(row.theirs, found, strict=True) if tensor is None]
        parts = [tensor for tensor in found if tensor is not None]
        shape = expected[row.ours].shape
        shape = torch.Size((shape[0] // len(row.theirs), *shape[1:]))
        for name, part in zip(row.theirs, parts, strict=False):
            if part.shape != shape:
                raise BadCheckpoint(
                    f"{source}: tensor {name} has shape {tuple(part.shape)}, the configuration says {tuple(shape)}",
                    "Use the configuration that belongs to these weights.",
                )
        if len(parts) == len(row.theirs):
            ours[row.ours] = parts[0] if len(parts) == 1 else torch.cat(parts)
    if missing:
        more = f" and {len(missing) - 1} more" if len(missing) > 1 else ""
        raise BadCheckpoint(f"{source}: no tensor {missing[0]}{more}")
    return ours


def _find(name: str, aliases: Iterable[str], tensors: Mapping[str, Tensor]) -> Tensor | None:
    return next((tensors[n] for n in (name, *aliases) if n in tensors), None)


def to_theirs(rows: Sequence[Weight], layers: int, ours: Mapping[str, Tensor], prefix: str = "") -> Tensors:
    """Their tensors from ours: the exact inverse of `to_ours`."""
    theirs: Tensors = {}
    for row in names(rows, layers):
        if row.ours in ours:
            parts = ours[row.ours].chunk(len(row.theirs))
            theirs |= {prefix + name: part for name, part in zip(row.theirs, parts, strict=True)}
    return theirs
