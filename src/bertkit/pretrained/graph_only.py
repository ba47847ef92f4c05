"""A folder without weights, whose network is a graph for another runtime: what `config.json` says of the tensors.

Torch-free.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from bertkit.checkpoints.headers import TensorHeader
from bertkit.checkpoints.stored import DescribedTensors
from bertkit.families.foreign_config import ForeignConfig
from bertkit.families.labels import read_labels
from bertkit.pretrained.name_table import name_table
from bertkit.tasks.catalogue import TASKS


def described_tensors(foreign: ForeignConfig, folder: Path) -> DescribedTensors:
    """The tensors of such a model, under the family's names.

    Its heads are those of the class that `config.json` names, and have as many rows as that has labels. Of other
    tensors no more than the name is known.
    """
    family, config = foreign.family, foreign.encoder
    headers: dict[str, TensorHeader] = {}
    for name in (None, *family.architectures.get(foreign.ending, ())):
        rows = family.encoder if name is None else family.heads[name].weights
        for row in name_table(foreign, config, rows):
            known = name is not None and row.ours == "classifier.weight"
            shape = (_classes(str(name), foreign.values), config.width) if known else ()
            headers |= dict.fromkeys(row.theirs, TensorHeader(shape, "float32"))
    return DescribedTensors(headers, folder)


def _classes(head: str, values: Mapping[str, object]) -> int:
    """Numbers that a head gives: what its task always has, else as many as there are labels."""
    fixed = next((spec.task.classes for spec in TASKS.values() if spec.task.head_name == head), 0)
    return fixed or len(read_labels(values))
