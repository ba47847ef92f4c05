"""A family's TensorFlow names applied to tensors, in both directions."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from torch import Tensor

from bertkit.errors import UserError
from bertkit.families.contract import Family, TensorFlowLayout
from bertkit.pretrained.weights import Tensors

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


def from_tensorflow(family: Family, tensors: Mapping[str, Tensor], source: str, ending: str = "") -> Tensors:
    """The hub's names for TensorFlow's; a transposed tensor is a view. Names of the hub, or of neither, are kept.

    Of several models in one checkpoint, the tensors of one are taken and those that only another has are left. Of two
    tensors that get one name the later is taken.

    Args:
        ending: of the model's class name, which says which of several models; empty where it is not known.

    Raises:
        UserError: the names are TensorFlow's, and the family has no table of them.
    """
    if not any("/" in name for name in tensors):  # the hub's names have dots
        return dict(tensors)
    layout = tensorflow_layout(family, source)
    renamings = [(_pattern(row.theirs), row.hub, row.transposed) for row in layout.table(ending)]
    every = [_pattern(row.theirs) for table in (layout.names, *layout.by_architecture.values()) for row in table]
    named: Tensors = {}
    for name, tensor in tensors.items():
        if pair := _renamed(name, tensor, renamings):
            hub, value = pair
            named[hub] = value
        elif not any(pattern.fullmatch(name) for pattern in every):
            named[name] = tensor
    return named


def to_tensorflow(
    family: Family, tensors: Mapping[str, Tensor], source: str, ending: str = ""
) -> tuple[Tensors, tuple[str, ...]]:
    """TensorFlow's names for the hub's: the inverse. Also the names that the family's table lacks.

    Raises:
        UserError: the family has no table.
    """
    rows = tensorflow_layout(family, source).table(ending)
    renamings = [(_pattern(row.hub), row.theirs, row.transposed) for row in rows]
    found = {name: _renamed(name, tensor, renamings) for name, tensor in tensors.items()}
    return dict(pair for pair in found.values() if pair), tuple(name for name, pair in found.items() if pair is None)


def _renamed(name: str, tensor: Tensor, renamings: Iterable[Renaming]) -> tuple[str, Tensor] | None:
    for pattern, other, transposed in renamings:
        if match := pattern.fullmatch(name):
            return other.format(**match.groupdict()), tensor.T if transposed and tensor.ndim == 2 else tensor
    return None


def _pattern(template: str) -> re.Pattern[str]:
    """What a name of the table matches: a number where it has braces."""
    parts = re.split(r"\{(\w+)\}", template)
    return re.compile("".join(rf"(?P<{part}>\d+)" if n % 2 else re.escape(part) for n, part in enumerate(parts)))
