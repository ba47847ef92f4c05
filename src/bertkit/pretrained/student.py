"""A student that begins as some layers of its teacher (Sanh et al. 2019, section 3)."""

from __future__ import annotations

from bertkit.errors import ConfigError
from bertkit.families.foreign_config import read_keys
from bertkit.model.build import build_encoder
from bertkit.model.copying import copy_layers
from bertkit.pretrained.checkpoint import Pretrained
from bertkit.pretrained.from_state import TaskMetadata, from_state
from bertkit.tasks.contract import Task
from bertkit.tokenization.tokenizer import Tokenizer


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
    return from_state(teacher.family, config, student.state_dict(), heads, tokenizer, TaskMetadata(values))
