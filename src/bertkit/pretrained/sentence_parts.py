"""The modules behind a Transformer: what each reads, writes and does. Torch-free."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import cast, get_args

from bertkit.checkpoints.stored import Numbers, StoredTensors, open_tensors
from bertkit.config.pooling import Pooling
from bertkit.config.vectors import ELEMENTWISE, TOKENS, VECTOR
from bertkit.errors import BadCheckpoint, ConfigError, near_match
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

NO_TENSORS = StoredTensors.of({})


@dataclass(frozen=True, slots=True)
class Link:
    """Which of the numbers of a text a module changes, and what they are called then."""

    reads: str
    writes: str


@dataclass(frozen=True, eq=False)
class VectorModule:
    """A module that is neither Transformer nor Pooling.

    Attributes:
        kind: the library's class.
        values: its `config.json`, as it is written again.
        tensors: its weights, as stored.
        link: what it reads and writes; None where it does nothing.
        activation: of a dense layer, our name of it.
        residual: whether what a dense layer reads is added to what it makes of that.
    """

    kind: str
    values: Mapping[str, object]
    tensors: StoredTensors
    link: Link | None
    activation: str = "identity"
    residual: bool = False

    @cached_property
    def weights(self) -> Mapping[str, Numbers]:
        """Its weights in float32, without torch where they are not pickled."""
        return {name: self.tensors.numbers(name) for name in self.tensors}


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

    @property
    def names(self) -> set[str]:
        """What the numbers are called that there are in the end."""
        return {VECTOR, *(module.link.writes for module in self.after if module.link is not None)}


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
    if part.link is not None and TOKENS in widths and part.link.writes != TOKENS:
        raise ConfigError(
            f"{path}: writes {part.link.writes!r} before the Pooling, which is not supported", ENCODER_ALONE
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
    kind = next(name for name in ELEMENTWISE if name.lower() == activation)
    return f"torch.nn.modules.{'linear' if kind == 'Identity' else 'activation'}.{kind}"


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
    tensors = _open_weights(folder, shapes)
    activation = read_activation(values.get("activation_function", activation_path("tanh")), str(path))
    widths[writes] = outputs
    return VectorModule("Dense", given, tensors, Link(reads, writes), activation, residual)


def _read_layer_norm(folder: Path, given: Mapping[str, object], widths: dict[str, int]) -> VectorModule:
    path = folder / "config.json"
    width = LAYER_NORM.read(given, str(path)).get("dimension")
    if width != _width(widths, VECTOR, path):
        raise ConfigError(f"{path}: dimension is {width}, the vector has {widths[VECTOR]} numbers", COPY_AGAIN)
    tensors = _open_weights(folder, {"norm.weight": (width,), "norm.bias": (width,)})
    return VectorModule("LayerNorm", given, tensors, Link(VECTOR, VECTOR))


def _read_normalize(folder: Path, given: Mapping[str, object], widths: dict[str, int]) -> VectorModule:
    """The library leaves the module out where nothing is called what it reads."""
    values = NORMALIZE.read(given, str(folder / "config.json"))
    reads = str(values.get("module_input_name", VECTOR))
    writes = str(values.get("module_output_name", reads))
    if reads not in widths:
        return VectorModule("Normalize", given, NO_TENSORS, None)
    widths[writes] = widths[reads]
    return VectorModule("Normalize", given, NO_TENSORS, Link(reads, writes))


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


def _open_weights(folder: Path, shapes: Mapping[str, tuple[int, ...]]) -> StoredTensors:
    """A module's tensors, exactly those that it is to have."""
    tensors = open_tensors(folder)
    if lacking := sorted(shapes.keys() - tensors.keys()):
        raise BadCheckpoint(f"{folder}: no tensor {lacking[0]}", COPY_AGAIN)
    if more := sorted(tensors.keys() - shapes.keys()):
        raise BadCheckpoint(f"{folder}: the tensor {more[0]} belongs to no part that config.json has", COPY_AGAIN)
    for name, shape in shapes.items():
        header = tensors.headers[name]
        if header.shape != shape:
            raise BadCheckpoint(
                f"{folder}: tensor {name} has shape {header.shape}, config.json says {shape}", COPY_AGAIN
            )
        if not header.is_floating:
            raise BadCheckpoint(f"{folder}: tensor {name} is of {header.dtype}, not of floating point numbers")
    return tensors
