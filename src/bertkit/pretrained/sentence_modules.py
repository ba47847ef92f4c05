"""`modules.json`: which modules a sentence-transformers model is a chain of, and which way its routers take."""

from __future__ import annotations

import ast
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PureWindowsPath
from typing import cast

from bertkit.errors import ConfigError, UserError, near_match
from bertkit.pretrained.sentence_keys import (
    COPY_AGAIN,
    ENCODER_ALONE,
    MODULE,
    ROUTER,
    ROUTES,
    TASKS_OF_TEXTS,
    KeyTable,
    of_type,
    read_json,
    read_json_object,
)

MODULES = "modules.json"
LIBRARY = "sentence_transformers."
ROUTERS = ("Router", "Asym")
KINDS = ("Transformer", "Pooling", "Dense", "Dropout", "LayerNorm", "Normalize", *ROUTERS)
_WORDS = "it knows words, not their context"
_SPARSE = "its vectors are sparse, as wide as a vocabulary"
_EACH_TOKEN = "it gives a vector a token"
REFUSED: Mapping[str, str] = {
    "BoW": _WORDS,
    "WordEmbeddings": _WORDS,
    "StaticEmbedding": _WORDS,
    "WordWeights": "it weighs tokens by a table of words",
    "CNN": "it is a convolution over tokens",
    "LSTM": "it is a recurrent layer over tokens",
    "WeightedLayerPooling": "it reads all layers of an encoder",
    "CLIPModel": "it reads pictures",
    "LogitScore": "it reads a model that generates text",
    "MLMTransformer": _SPARSE,
    "SparseAutoEncoder": _SPARSE,
    "SparseStaticEmbedding": _SPARSE,
    "SpladePooling": _SPARSE,
    "MultiVectorMask": _EACH_TOKEN,
    "BaseTokenPooling": _EACH_TOKEN,
    "HierarchicalTokenPooling": _EACH_TOKEN,
    "LambdaTokenPooling": _EACH_TOKEN,
}


@dataclass(frozen=True, slots=True)
class Module:
    """One module of a chain.

    Attributes:
        kind: the library's class, one of `KINDS` without the routers.
        folder: where its files are.
    """

    kind: str
    folder: Path


@dataclass(frozen=True, slots=True)
class Chain:
    """The modules of a model, in order; the first is a Transformer.

    Attributes:
        modules: those that a text passes, on the way that was chosen.
        routes: the names of the ways that there are; none without a router.
        folders: of all modules, those of other ways too, as `modules.json` has them.
    """

    modules: tuple[Module, ...]
    routes: tuple[str, ...]
    folders: tuple[Path, ...]


def read_chain(root: Path, task: str | None) -> Chain | None:
    """The modules of a sentence-transformers folder; None where `root` is not one.

    Args:
        task: what a router chooses the way by: `query`, `document`, or what else its ways are called; None takes its
            default.

    Raises:
        ConfigError: a module that bertkit does not have, or files that are not what their names say.
        UserError: a router has no way for the task.
    """
    path = root / MODULES
    if not path.is_file():
        return None
    named: dict[str, Module] = {}
    for place, entry in enumerate(cast("list[object]", of_type(read_json(path), "a list", str(path)))):
        values = _object(MODULE, entry, f"{path}: module {place}")
        named[str(values.get("name", place))] = Module(_kind(values, path), _inside(root, values.get("path"), path))
    if not named:
        raise ConfigError(f"{path}: names no module", COPY_AGAIN)
    chain: list[Module] = []
    routes: list[str] = []
    folders: list[Path] = []
    for module in named.values():
        _follow(module, task, chain, routes, folders)
    if not chain or chain[0].kind != "Transformer":
        first = chain[0].kind if chain else "nothing"
        raise ConfigError(f"{path}: the first module is {first}, not a Transformer", COPY_AGAIN)
    if others := [module.kind for module in chain[1:] if module.kind == "Transformer"]:
        raise ConfigError(f"{path}: {1 + len(others)} Transformers, one after the other, are not supported", COPY_AGAIN)
    return Chain(tuple(chain), tuple(routes), tuple(folders))


def _object(table: KeyTable, entry: object, place: str) -> dict[str, object]:
    return table.read(cast("dict[str, object]", of_type(entry, "an object", place)), place)


def _inside(root: Path, path: object, source: Path) -> Path:
    """A module's folder, which no file can make one outside the model's."""
    if not isinstance(path, str):
        raise ConfigError(f"{source}: a module without a path", COPY_AGAIN)
    parts = PureWindowsPath(path)
    if parts.anchor or ".." in parts.parts or "\0" in path:
        raise ConfigError(f"{source}: the path {path!r} leads out of the model's folder", COPY_AGAIN)
    return root / path


def _kind(values: Mapping[str, object], source: Path) -> str:
    """The class of a module, where bertkit has it."""
    name = values.get("type")
    if not isinstance(name, str):
        raise ConfigError(f"{source}: a module without a type", COPY_AGAIN)
    kind = name.rsplit(".", 1)[-1]
    if not name.startswith(LIBRARY):
        raise ConfigError(f"{source}: the module {name!r} is code of its author, which is not run", ENCODER_ALONE)
    if kind in KINDS:
        return kind
    why = f": {REFUSED[kind]}" if kind in REFUSED else near_match(kind, KINDS)
    raise ConfigError(f"{source}: the module {kind} is not supported{why}", ENCODER_ALONE)


def _follow(module: Module, task: str | None, chain: list[Module], routes: list[str], folders: list[Path]) -> None:
    """Adds a module to the chain, or those on the way that it takes."""
    folders.append(module.folder)
    if module.kind not in ROUTERS:
        chain.append(module)
        return
    path = next((p for p in (module.folder / "router_config.json", module.folder / "config.json") if p.is_file()), None)
    if path is None:
        raise ConfigError(f"{module.folder}: no router_config.json", COPY_AGAIN)
    values = ROUTER.read(read_json_object(path), str(path))
    types, structure, given = (_mapping(values, key) for key in ("types", "structure", "parameters"))
    ways = {name: _names(way, f"{path}: structure.{name}") for name, way in structure.items()}
    if not ways:
        raise ConfigError(f"{path}: names no way", COPY_AGAIN)
    folders += [_inside(module.folder, name, path) for name in types]
    routes += [name for name in ways if name not in routes]
    way = _way(ROUTES.read(given, f"{path}: parameters"), ways, task, path)
    for name in ways[way]:
        if name not in types:
            raise ConfigError(f"{path}: the way {way!r} has a module {name!r} of no type", COPY_AGAIN)
        _follow(
            Module(_kind({"type": types[name]}, path), _inside(module.folder, name, path)), task, chain, routes, folders
        )


def _mapping(values: Mapping[str, object], key: str) -> dict[str, object]:
    return cast("dict[str, object]", values.get(key, {}))


def _names(value: object, place: str) -> list[str]:
    return [str(of_type(name, "text", place)) for name in cast("list[object]", of_type(value, "a list", place))]


def _way(given: Mapping[str, object], ways: Mapping[str, object], task: str | None, path: Path) -> str:
    """The way for a text, by the library's order: what is mapped, what is called like the task, the default."""
    default = given.get("default_route")
    if default is None and given.get("allow_empty_key", True):
        default = next(iter(ways))
    mapped = _mappings(given.get("route_mappings") or {})
    for way in (default, *mapped.values()):
        if way is not None and way not in ways:
            raise ConfigError(f"{path}: no way is called {way!r}", f"The ways are {', '.join(ways)}.")
    if task not in (*TASKS_OF_TEXTS, *ways, *(one for one, _ in mapped)):
        task = None  # the name of a prompt that says nothing about the way
    for asked in ((task, "text"), (task, None), (None, "text"), (None, None)):
        if asked in mapped:
            return mapped[asked]
    found = task if task in ways else "text" if "text" in ways else default if task is None else None
    if isinstance(found, str):
        return found
    if task is None:
        raise UserError(f"{path}: the model has no way without a prompt", f"Choose --prompt {' or '.join(ways)}.")
    raise UserError(f"{path}: no way for {task!r}{near_match(task, ways)}", f"Choose --prompt {' or '.join(ways)}.")


def _mappings(values: object) -> dict[tuple[str | None, str | None], str]:
    """`route_mappings`: each key is a tuple of task and modality, written as Python writes it; others are left out."""
    found = {}
    assert isinstance(values, dict)
    for key, way in values.items():
        try:
            task, modality = ast.literal_eval(key)
        except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError):
            continue
        if isinstance(modality, str | None) and isinstance(task, str | None):
            found[task, modality] = str(way)
    return found
