"""A family's TensorFlow names applied to tensors, in both directions. Torch-free."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from bertkit.checkpoints.stored import StoredTensors
from bertkit.errors import UserError
from bertkit.families.contract import Family, TensorFlowLayout

Renaming = tuple[re.Pattern[str], str, bool]


def tensorflow_layout(family: Family, source: str) -> TensorFlowLayout:
    """The family's layout.

    Raises:
        UserError: it has none.
    """
    if family.tensorflow is None:
        raise UserError(
            f"{source}: bertkit has no TensorFlow names for the family {family.name}",
            "Use the hub's layout for this model.",
        )
    return family.tensorflow


def from_tensorflow(family: Family, tensors: StoredTensors, source: str, ending: str = "") -> StoredTensors:
    """The hub's names for TensorFlow's; a transposed tensor is a view. Names of the hub, or of neither, are kept.

    Of several models in one checkpoint, the tensors of one are taken and those that only another has are left. Of two
    tensors that get one name the later is taken.

    Args:
        ending: of the model's class name, which says which of several models; empty where it is not known.

    Raises:
        UserError: the names are TensorFlow's, and the family has no table of them.
    """
    if not any("/" in name for name in tensors):  # the hub's names have dots
        return tensors
    layout = tensorflow_layout(family, source)
    renamings = [(_pattern(row.theirs), row.hub, row.transposed) for row in layout.table(ending)]
    every = [_pattern(row.theirs) for table in (layout.names, *layout.by_architecture.values()) for row in table]
    found = {name: _renamed(name, renamings) for name in tensors}
    kept = {name: (name, False) for name in tensors if not any(pattern.fullmatch(name) for pattern in every)}
    return _under(tensors, {name: pair or kept[name] for name, pair in found.items() if pair or name in kept})


def to_tensorflow(
    family: Family, tensors: StoredTensors, source: str, ending: str = ""
) -> tuple[StoredTensors, tuple[str, ...]]:
    """TensorFlow's names for the hub's: the inverse. Also the names that the family's table lacks.

    Raises:
        UserError: the family has no table.
    """
    rows = tensorflow_layout(family, source).table(ending)
    renamings = [(_pattern(row.hub), row.theirs, row.transposed) for row in rows]
    found = {name: _renamed(name, renamings) for name in tensors}
    named = {name: pair for name, pair in found.items() if pair}
    return _under(tensors, named), tuple(name for name, pair in found.items() if pair is None)


def _under(tensors: StoredTensors, named: Mapping[str, tuple[str, bool]]) -> StoredTensors:
    """Tensors under the other names, each with whether it is transposed; only matrices are."""
    names = {new: name for name, (new, _) in named.items()}
    turned = {new for new, name in names.items() if named[name][1] and len(tensors.headers[name].shape) == 2}
    return tensors.renamed(names, turned)


def _renamed(name: str, renamings: Iterable[Renaming]) -> tuple[str, bool] | None:
    """The other name, and whether the tensor is transposed."""
    for pattern, other, transposed in renamings:
        if match := pattern.fullmatch(name):
            return other.format(**match.groupdict()), transposed
    return None


def _pattern(template: str) -> re.Pattern[str]:
    """What a name of the table matches: a number where it has braces."""
    parts = re.split(r"\{(\w+)\}", template)
    return re.compile("".join(rf"(?P<{part}>\d+)" if n % 2 else re.escape(part) for n, part in enumerate(parts)))
