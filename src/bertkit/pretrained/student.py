"""A student that begins as some layers of its teacher (Sanh et al. 2019, section 3)."""

from __future__ import annotations

import re
from collections.abc import Sequence

from torch import Tensor

from bertkit.errors import ConfigError
from bertkit.families.foreign_config import read_keys
from bertkit.model.build import build_encoder
from bertkit.model.encoder import Encoder
from bertkit.model.heads import MaskedLMHead
from bertkit.pretrained.checkpoint import Pretrained
from bertkit.pretrained.from_state import More, from_state
from bertkit.tasks.contract import Task
from bertkit.tokenization.tokenizer import Tokenizer

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


def spread_layers(count: int, of: int) -> list[int]:
    """So many layers, evenly spread from the first to the last: of 12 the 6 that DistilBERT began with."""
    if count == 1:
        return [0]
    return [(2 * number * (of - 1) + count - 1) // (2 * (count - 1)) for number in range(count)]


def student_of(teacher: Pretrained, count: int, task: Task, tokenizer: Tokenizer) -> Pretrained:
    """A checkpoint that is some layers of a teacher, evenly spread, with the teacher's head for a task.

    Raises:
        ConfigError: the teacher has fewer layers, or they are no layers that can stand alone.
    """
    theirs = teacher.config
    steps = len(theirs.layer_of_step)
    if theirs.layers != steps:
        raise ConfigError(
            f"the teacher's {steps} layers share the weights of {theirs.layers}", "Name a smaller model with --student."
        )
    if count > steps:
        raise ConfigError(f"a student of {count} layers, and the teacher has {steps}", f"Choose up to {steps}.")
    layers = spread_layers(count, steps)
    if any(theirs.sight_of_step(step) != theirs.sight_of_step(layer) for step, layer in enumerate(layers)):
        raise ConfigError(
            f"the teacher's layers {layers} do not see as far as a model of {count} layers has them see",
            "Choose another number of layers, or name a smaller model with --student.",
        )
    config = theirs.model_copy(update={"layer_of_step": tuple(range(count))})
    student = build_encoder(config)
    copy_layers(student, teacher.build_encoder().float(), layers)
    head = teacher.build_head(task)
    heads = {} if head is None or task.head_name is None else {task.head_name: head.float().state_dict()}
    counted = read_keys(teacher.family)
    values = {key: value for key, value in teacher.foreign.values.items() if key not in counted}
    values["model_type"] = teacher.foreign.model_type
    return from_state(teacher.family, config, student.state_dict(), heads, tokenizer, More(values))
