"""The head that a sentence-transformers folder's modules make: what becomes of tokens, as torch computes it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

import torch
from torch import Tensor

from bertkit.config.vectors import SCORES
from bertkit.model.vector_steps import Dense, LayerNorm, RecipeHead, Step, VectorRecipe, normalise
from bertkit.pretrained.sentence_parts import VectorModule, VectorModules
from bertkit.pretrained.sentence_transformers import CrossEncoderSettings, SentenceSettings
from bertkit.tasks.contract import Task
from bertkit.tasks.sentence_embedding import prompt_length


def vector_head(says: SentenceSettings | CrossEncoderSettings, task: Task) -> RecipeHead | None:
    """What makes vectors or scores of tokens, as the task asks for them; None where a classifier of the family does."""
    if isinstance(says, SentenceSettings):
        return RecipeHead(replace(recipe(says.parts, task.readout.skip), poolings=task.readout.pooling))
    if says.parts is None:
        return None
    skip = 0 if says.parts.include_prompt else prompt_length(task.tokenizer, says.prompts.text)
    return RecipeHead(recipe(says.parts, skip), SCORES)


def recipe(modules: VectorModules, skip: int = 0) -> VectorRecipe:
    """What makes a vector of tokens, to be computed.

    Args:
        skip: tokens at the beginning that are not pooled: a prompt's.
    """
    return VectorRecipe(modules.pooling, steps_of(modules.before), steps_of(modules.after), skip)


def steps_of(modules: Sequence[VectorModule]) -> tuple[Step, ...]:
    """What modules do; those that do nothing are left out."""
    return tuple(
        Step(module.link.reads, module.link.writes, _CHANGES[module.kind](module))
        for module in modules
        if module.link is not None
    )


def _dense(module: VectorModule) -> Dense:
    ready = _float32(module)
    bias_O, residual_OW = ready.get("linear.bias"), ready.get("residual.weight")
    return Dense(ready["linear.weight"], bias_O, module.activation, module.residual, residual_OW)


def _layer_norm(module: VectorModule) -> LayerNorm:
    ready = _float32(module)
    return LayerNorm(ready["norm.weight"], ready["norm.bias"])


def _float32(module: VectorModule) -> dict[str, Tensor]:
    return {name: tensor.to(torch.float32) for name, tensor in module.tensors.items()}


_CHANGES: Mapping[str, Callable[[VectorModule], Callable[[Tensor], Tensor]]] = {
    "Dense": _dense,
    "LayerNorm": _layer_norm,
    "Normalize": lambda module: normalise,
}
