"""The modules behind a Transformer, as steps that can be computed, and as files."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import cast, get_args

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from bertkit.checkpoints.tensors import read_tensors, write_tensors
from bertkit.config.pooling import Pooling
from bertkit.errors import BadCheckpoint, ConfigError, near_match
from bertkit.model.vector_steps import (
    ACTIVATIONS,
    ELEMENTWISE,
    TOKENS,
    VECTOR,
    Dense,
    LayerNorm,
    Step,
    VectorRecipe,
    normalise,
)
from bertkit.pretrained.sentence_keys import (
    COPY_AGAIN,
    DENSE,
    DROPOUT,
    ENCODER_ALONE,
    LAYER_NORM,
    NORMALIZE,
    POOLING,
    POOLING_FLAGS,
    read_json_object,
)
from bertkit.pretrained.sentence_modules import Module

Array = npt.NDArray[np.float32]
NO_TENSORS: Mapping[str, Tensor] = {}


@dataclass(frozen=True, slots=True, eq=False)
class VectorModule:
    """A module that is neither Transformer nor Pooling.

    Attributes:
        kind: the library's class.
        values: its `config.json`, as it is written again.
        tensors: its weights, as stored.
        step: what it does; None where it does nothing.
    """

    kind: str
    values: Mapping[str, object]
    tensors: Mapping[str, Tensor]
    step: Step | None


@dataclass(frozen=True, slots=True)
class VectorModules:
    """What makes a vector of tokens.

    Attributes:
        pooling: put side by side.
        include_prompt: whether a prompt's tokens are pooled too.
        before, after: the modules before and after.
    """

    pooling: tuple[Pooling, ...] = ("mean",)
    include_prompt: bool = True
    before: tuple[VectorModule, ...] = ()
    after: tuple[VectorModule, ...] = ()

    def recipe(self, skip: int = 0) -> VectorRecipe:
        """The same, to be computed."""
        return VectorRecipe(self.pooling, steps_of(self.before), steps_of(self.after), skip)

    def finish(self) -> Callable[[Array], Array] | None:
        """What the modules after the pooling do to a vector, (W,) to (O,); None where there are none."""
        recipe = self.recipe()
        if not recipe.after:
            return None

        def change(vector_W: Array) -> Array:
            with torch.inference_mode():
                return recipe.finish(torch.from_numpy(vector_W)[None])[0].numpy()

        return change

    @property
    def names(self) -> set[str]:
        """What the numbers are called that there are in the end."""
        return {VECTOR, *(step.writes for step in steps_of(self.after))}


def steps_of(parts: Sequence[VectorModule]) -> tuple[Step, ...]:
    """What modules do."""
    return tuple(part.step for part in parts if part.step is not None)


def read_parts(modules: Sequence[Module], width: int, source: Path) -> VectorModules:
    """The modules that follow a Transformer.

    Args:
        width: of its tokens.
        source: the file that names them, for errors.

    Raises:
        ConfigError: no Pooling or several, or a module that reads what there is not.
        BadCheckpoint: weights are missing, or do not fit.
    """
    poolings = [module for module in modules if module.kind == "Pooling"]
    if len(poolings) != 1:
        raise ConfigError(f"{source}: {len(poolings)} modules of kind Pooling, one is wanted", ENCODER_ALONE)
    place = modules.index(poolings[0])
    widths = {TOKENS: width}
    before = tuple(_read_part(module, widths) for module in modules[:place])
    pooling, include_prompt = _read_pooling(poolings[0].folder)
    widths = {VECTOR: widths[TOKENS] * len(pooling)}
    after = tuple(_read_part(module, widths) for module in modules[place + 1 :])
    return VectorModules(pooling, include_prompt, before, after)


def _read_part(module: Module, widths: dict[str, int]) -> VectorModule:
    """A module; what it writes is added to the widths."""
    path = module.folder / "config.json"
    part = _READERS[module.kind](module.folder, read_json_object(path), widths)
    if part.step is not None and TOKENS in widths and part.step.writes != TOKENS:
        raise ConfigError(
            f"{path}: writes {part.step.writes!r} before the Pooling, which is not supported", ENCODER_ALONE
        )
    return part


def _width(widths: Mapping[str, int], name: str, path: Path) -> int:
    if name not in widths:
        hint = near_match(name, widths)
        raise ConfigError(f"{path}: reads {name!r}, which no module before it writes{hint}", COPY_AGAIN)
    return widths[name]


def _read_pooling(folder: Path) -> tuple[tuple[Pooling, ...], bool]:
    """The poolings that are switched on; folders spell them as a word, a list, or a flag for each kind."""
    path = folder / "config.json"
    if not path.is_file():
        raise ConfigError(f"{path}: no such file", COPY_AGAIN)
    values = POOLING.read(read_json_object(path), str(path))
    named = values.get("pooling_mode", [mode for flag, mode in POOLING_FLAGS.items() if values.get(flag)] or "mean")
    poolings = [named] if isinstance(named, str) else cast("list[object]", named)
    for one in poolings:
        if one not in get_args(Pooling):
            hint = near_match(str(one), get_args(Pooling))
            raise ConfigError(f"{path}: unknown pooling {one!r}{hint}", f"Use {', '.join(get_args(Pooling))}.")
    if not poolings:
        raise ConfigError(f"{path}: pooling_mode is an empty list", f"Use {', '.join(get_args(Pooling))}.")
    return tuple(cast("list[Pooling]", poolings)), bool(values.get("include_prompt", True))


def read_activation(name: object, place: str) -> str:
    """Our name of a class of torch that changes each number by itself.

    Raises:
        ConfigError: another class.
    """
    path, _, kind = str(name).rpartition(".")
    if path.startswith("torch.") or path == "torch":
        if kind in ELEMENTWISE:
            return kind.lower()
        raise ConfigError(f"{place}: the activation {name!r} is not supported", f"Use {', '.join(ELEMENTWISE)}.")
    raise ConfigError(f"{place}: the activation {name!r} is code of its author, which is not run", ENCODER_ALONE)


def activation_path(activation: str) -> str:
    """The class of torch that has a name of ours, as the library writes it."""
    kind = type(ACTIVATIONS[activation])
    return f"{kind.__module__}.{kind.__name__}"


def _read_dense(folder: Path, given: Mapping[str, object], widths: dict[str, int]) -> VectorModule:
    path = folder / "config.json"
    values = DENSE.read(given, str(path))
    reads = str(values.get("module_input_name", VECTOR))
    writes = str(values.get("module_output_name", reads))
    inputs, outputs = (cast(int, values.get(key)) for key in ("in_features", "out_features"))
    if inputs != _width(widths, reads, path) or outputs is None:
        raise ConfigError(f"{path}: in_features is {inputs}, {reads} has {widths[reads]} numbers", COPY_AGAIN)
    shapes: dict[str, tuple[int, ...]] = {"linear.weight": (outputs, inputs)}
    if values.get("bias", True):
        shapes["linear.bias"] = (outputs,)
    residual = bool(values.get("use_residual", False))
    if residual and inputs != outputs:
        shapes["residual.weight"] = (outputs, inputs)
    tensors, ready = _read_weights(folder, shapes)
    activation = read_activation(values.get("activation_function", activation_path("tanh")), str(path))
    dense = Dense(ready["linear.weight"], ready.get("linear.bias"), activation, residual, ready.get("residual.weight"))
    widths[writes] = outputs
    return VectorModule("Dense", given, tensors, Step(reads, writes, dense))


def _read_layer_norm(folder: Path, given: Mapping[str, object], widths: dict[str, int]) -> VectorModule:
    path = folder / "config.json"
    width = LAYER_NORM.read(given, str(path)).get("dimension")
    if width != _width(widths, VECTOR, path):
        raise ConfigError(f"{path}: dimension is {width}, the vector has {widths[VECTOR]} numbers", COPY_AGAIN)
    tensors, ready = _read_weights(folder, {"norm.weight": (width,), "norm.bias": (width,)})
    return VectorModule(
        "LayerNorm", given, tensors, Step(VECTOR, VECTOR, LayerNorm(ready["norm.weight"], ready["norm.bias"]))
    )


def _read_normalize(folder: Path, given: Mapping[str, object], widths: dict[str, int]) -> VectorModule:
    """The library leaves the module out where nothing is called what it reads."""
    values = NORMALIZE.read(given, str(folder / "config.json"))
    reads = str(values.get("module_input_name", VECTOR))
    writes = str(values.get("module_output_name", reads))
    if reads not in widths:
        return VectorModule("Normalize", given, NO_TENSORS, None)
    widths[writes] = widths[reads]
    return VectorModule("Normalize", given, NO_TENSORS, Step(reads, writes, normalise))


def _read_dropout(folder: Path, given: Mapping[str, object], widths: dict[str, int]) -> VectorModule:
    DROPOUT.read(given, str(folder / "config.json"))
    _width(widths, VECTOR, folder / "config.json")
    return VectorModule("Dropout", given, NO_TENSORS, None)


_READERS: Mapping[str, Callable[[Path, Mapping[str, object], dict[str, int]], VectorModule]] = {
    "Dense": _read_dense,
    "LayerNorm": _read_layer_norm,
    "Normalize": _read_normalize,
    "Dropout": _read_dropout,
}


def _read_weights(
    folder: Path, shapes: Mapping[str, tuple[int, ...]]
) -> tuple[Mapping[str, Tensor], Mapping[str, Tensor]]:
    """A module's tensors, exactly those that it is to have: as stored, and in float32."""
    tensors = read_tensors(folder)
    if lacking := sorted(shapes.keys() - tensors.keys()):
        raise BadCheckpoint(f"{folder}: no tensor {lacking[0]}", COPY_AGAIN)
    if more := sorted(tensors.keys() - shapes.keys()):
        raise BadCheckpoint(f"{folder}: the tensor {more[0]} belongs to no part that config.json has", COPY_AGAIN)
    for name, shape in shapes.items():
        if tuple(tensors[name].shape) != shape:
            raise BadCheckpoint(
                f"{folder}: tensor {name} has shape {tuple(tensors[name].shape)}, config.json says {shape}", COPY_AGAIN
            )
        if not tensors[name].is_floating_point():
            raise BadCheckpoint(f"{folder}: tensor {name} is of {tensors[name].dtype}, not of floating point numbers")
    return tensors, {name: tensor.to(torch.float32) for name, tensor in tensors.items()}


def write_parts(folder: Path, parts: VectorModules, normalize: bool, width: int) -> list[dict[str, object]]:
    """Write the modules' folders.

    Args:
        normalize: put a Normalize at the end.
        width: of the tokens.

    Returns:
        The entries of `modules.json`, the Transformer's first.
    """
    last = (VectorModule("Normalize", {}, NO_TENSORS, None),) if normalize else ()
    for part in parts.before:
        width = part.tensors["linear.weight"].shape[0] if part.kind == "Dense" else width
    pooling = VectorModule("Pooling", _pooling_values(parts, width), NO_TENSORS, None)
    entries: list[dict[str, object]] = [_entry(0, "", "Transformer")]
    for number, part in enumerate((*parts.before, pooling, *parts.after, *last), 1):
        name = f"{number}_{part.kind}"
        (folder / name).mkdir()
        write_json(folder / name / "config.json", part.values)
        if part.tensors:
            write_tensors(folder / name / "model.safetensors", part.tensors)
        entries.append(_entry(number, name, part.kind))
    return entries


def _pooling_values(parts: VectorModules, width: int) -> dict[str, object]:
    """Flags, which old releases of the library read too, unless they cannot say the order."""
    values: dict[str, object] = {"word_embedding_dimension": width}
    if list(parts.pooling) == [mode for mode in POOLING_FLAGS.values() if mode in parts.pooling]:
        values |= {flag: mode in parts.pooling for flag, mode in POOLING_FLAGS.items()}
    else:
        values |= {"pooling_mode": list(parts.pooling)}
    return values if parts.include_prompt else values | {"include_prompt": False}


def _entry(number: int, path: str, kind: str) -> dict[str, object]:
    return {"idx": number, "name": str(number), "path": path, "type": f"sentence_transformers.models.{kind}"}


def write_json(path: Path, values: object) -> None:
    """A file of indented JSON."""
    path.write_text(json.dumps(values, indent=2) + "\n", encoding="utf-8")
