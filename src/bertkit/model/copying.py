"""Weights of a student taken from its teacher's, layer by layer."""

from __future__ import annotations

import re
from collections.abc import Sequence

from torch import Tensor

from bertkit.errors import ConfigError
from bertkit.model.encoder import Encoder
from bertkit.model.heads import MaskedLMHead

LAYER = re.compile(r"^layers\.(\d+)\.")


def copy_layers(student: Encoder, teacher: Encoder, layers: Sequence[int]) -> None:
    """Fill `student` from `teacher`: its embeddings and what else is not a layer, and one layer for each of `layers`.

    What only the teacher has (segments, a pooler) is left out.

    Args:
        layers: for each layer of the student, the number of the teacher's.

    Raises:
        ConfigError: another number of layers than the student has, or a part of another size.
    """
    if len(layers) != student.config.layers:
        raise ConfigError(
            f"model.layers_from names {len(layers)} layers, the student has {student.config.layers}",
            "Name one of the teacher's layers for each of the student's.",
        )
    last = teacher.config.layers - 1
    for number in layers:
        if not 0 <= number <= last:
            raise ConfigError(f"model.layers_from names layer {number}", f"The teacher's layers are 0 to {last}.")
    source = teacher.state_dict()
    state = {}
    for name, tensor in student.state_dict().items():
        theirs = LAYER.sub(lambda match: f"layers.{layers[int(match[1])]}.", name)
        state[name] = _take(source, theirs, tensor)
    student.load_state_dict(state)


def copy_head(student: MaskedLMHead, teacher: MaskedLMHead) -> None:
    """Fill the student's masked-language-model head from the teacher's.

    Raises:
        ConfigError: a part of another size.
    """
    source = teacher.state_dict()
    student.load_state_dict({name: _take(source, name, tensor) for name, tensor in student.state_dict().items()})


def _take(source: dict[str, Tensor], name: str, like: Tensor) -> Tensor:
    if name not in source:
        raise ConfigError(f"the teacher has no {name}", "Choose a student whose parts the teacher has.")
    if source[name].shape != like.shape:
        shapes = [" by ".join(map(str, tensor.shape)) for tensor in (source[name], like)]
        raise ConfigError(
            f"{name} is {shapes[0]} in the teacher and {shapes[1]} in the student",
            "Give the student the teacher's sizes, all but the number of layers.",
        )
    return source[name]
