"""A family's tensor names, ours and theirs: which of a checkpoint's tensors make each of ours. Torch-free."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, TypeVar

from bertkit.checkpoints.headers import TensorHeader
from bertkit.checkpoints.stored import StoredTensors
from bertkit.config.encoder import EncoderConfig
from bertkit.errors import BadCheckpoint
from bertkit.families.contract import Family, Weight

if TYPE_CHECKING:
    from bertkit.families.foreign_config import ForeignConfig

# What torch's compiler, its sharding and its recomputing call the module that they wrap, wherever that is.
WRAPPERS = ("_orig_mod", "_fsdp_wrapped_module", "_checkpoint_wrapped_module")
Rows = TypeVar("Rows", bound=Any)  # a tensor or an array


def canonical(family: Family, tensors: StoredTensors) -> StoredTensors:
    """Checkpoint tensors under the family's present names: no encoder prefix, no old ending, nothing ignored."""
    names: dict[str, str] = {}
    for old_name in tensors:
        name = old_name
        for old, new in family.old_endings.items():
            if name.endswith(old):
                name = name.removesuffix(old) + new
        name = name.removeprefix(family.prefix)
        if not name.endswith(family.ignored):
            names[name] = old_name
    return tensors.renamed(names)


def refuse_wrapped(family: Family, tensors: Iterable[str], source: str) -> None:
    """Refuse canonical names to which a wrapper has added a part of its own.

    Raises:
        BadCheckpoint: naming what is added, if it was a wrapper.
    """
    names = dict.fromkeys(tensors)
    table = next(row.theirs[0] for row in family.encoder if row.ours == "embeddings.token.weight")
    found = next((name for name in names if name.endswith(f".{table}")), None)
    added = found.removesuffix(table) if found is not None and table not in names else None
    if added is None:
        added = next((f"{part}." for name in names for part in name.split(".") if part in WRAPPERS), None)
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

    def to_theirs(self, ours: Mapping[str, Rows], prefix: str = "") -> dict[str, Rows]:
        """Their tensors from ours, each a view: the exact inverse of `to_ours`."""
        return {
            prefix + name: ours[row.ours][part]
            for row in self
            if row.ours in ours
            for name, part in self.slices(row, len(ours[row.ours]))
        }

    def slices(self, row: Weight, rows: int) -> Iterator[tuple[str, slice]]:
        """Which rows of one of our tensors each of theirs is.

        Args:
            rows: of ours.
        """
        begin = 0
        for name, size in zip(row.theirs, self.sizes(row, rows), strict=True):
            yield name, slice(begin, begin + size)
            begin += size

    def sizes(self, row: Weight, rows: int) -> list[int]:
        """How many of our tensor's rows each of theirs has."""
        if row.by_heads:
            return [count * self.config.head_width for count in (self.config.heads, *2 * (self.config.groups,))]
        return [rows // len(row.theirs)] * len(row.theirs)

    def shapes(self, headers: Mapping[str, TensorHeader]) -> dict[str, tuple[int, ...]]:
        """The shapes of our tensors that theirs make up; those that are not whole are left out."""
        found = {}
        for row in self:
            parts = [headers[name] for name in stored_names(row, headers) if name is not None]
            if len(parts) == len(row.theirs):
                first = parts[0].shape
                found[row.ours] = (sum(part.shape[0] for part in parts), *first[1:]) if first else ()
        return found


def name_table(foreign: ForeignConfig, config: EncoderConfig, rows: tuple[Weight, ...]) -> NameTable:
    """A family's rows for the checkpoint that a `config.json` describes."""
    places = [foreign.family.layer_place(layer, foreign.values) for layer in range(config.layers)]
    return NameTable(rows, config, tuple(places))


def stored_names(row: Weight, present: Mapping[str, object]) -> list[str | None]:
    """What each of a row's tensors is called in a checkpoint; None where it is not there."""
    return [next((name for name in (one, *row.aliases) if name in present), None) for one in row.theirs]
