"""A folder that holds only what a model learnt on top of another: narrow matrices (LoRA) and a head. Torch-free.

```
adapter.json          the base model and its weights' hash, the rank, the scale, more for config.json
adapter.safetensors   layers.0.attention.qkv.lower …, pooler.…, head.…
modules.json …        of sentence embeddings and cross-encoders: the settings, as sentence-transformers writes them
```
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, Self

from pydantic import Field, model_validator

from bertkit.checkpoints.headers import TensorHeader
from bertkit.checkpoints.hub import is_cached
from bertkit.checkpoints.stored import StoredTensors, open_safetensors
from bertkit.checkpoints.weight_files import ADAPTER_DESCRIPTION, ADAPTER_TENSORS, WeightFiles
from bertkit.config.strict import Strict, parse
from bertkit.errors import BadCheckpoint, ConfigError, ModelNotFound, refuse_pointer

if TYPE_CHECKING:
    from torch import Tensor

SAY_WHERE = 'Say where the base is in adapter.json: "base": {"folder": "its path from the folder of the adapter"}.'
SCHEMA_VERSION = 2
HEAD = "head."


class Base(Strict):
    """Which model an adapter goes on, so that it is found wherever the adapter is opened from.

    Attributes:
        hub: its name on the hub.
        revision: the commit of it.
        folder: a folder, from the adapter's own: right where both are moved together.
        absolute: the same from the root: right where the adapter alone is moved.
    """

    hub: str | None = None
    revision: str | None = None
    folder: str | None = None
    absolute: str | None = None

    @model_validator(mode="after")
    def _somewhere(self) -> Self:
        if (self.hub is None) == (self.folder is None):
            raise ValueError("base is either a hub's name or a folder")
        return self

    @classmethod
    def of(cls, typed: str | None, opened: Path, adapter: Path) -> Base | None:
        """The base of an adapter that is about to be written.

        Args:
            typed: what the user called it; None is the built-in model.
            opened: the folder that it was opened from.
            adapter: where the adapter will be.
        """
        if typed is None:
            return None
        if not Path(typed).expanduser().is_dir():
            return cls(hub=typed, revision=opened.name if is_cached(opened) else None)
        absolute = opened.resolve()
        return cls(folder=os.path.relpath(absolute, adapter.resolve()), absolute=str(absolute))

    def folders(self, adapter: Path) -> list[Path]:
        """Where the base may be, of an adapter in this folder."""
        return [Path(os.path.normpath(adapter.resolve() / place)) for place in (self.folder, self.absolute) if place]


def base_folders(base: Base | str | None, adapter: Path, find: Callable[[str | None, str | None], Path]) -> list[Path]:
    """The folders that the base of an adapter may be, the likeliest first.

    Args:
        adapter: the folder of the adapter.
        find: the folder of a model that is called so, at a revision.

    Raises:
        ModelNotFound: it is in none of them.
    """
    if isinstance(base, str):  # an older adapter, whose base is as it was typed
        beside = adapter / base
        return [beside] if beside.is_dir() and not Path(base).is_dir() else [find(base, None)]
    if base is None:
        return [find(None, None)]
    if base.hub is not None:
        return [find(base.hub, base.revision)]
    places = dict.fromkeys(base.folders(adapter))
    found = [place for place in places if place.is_dir()]
    if not found:
        raise ModelNotFound(f"{adapter}: its base is not in {' or '.join(map(str, places))}", SAY_WHERE)
    return found


class AdapterDescription(Strict):
    """`adapter.json`; its first version had the base as it was typed."""

    schema_version: Literal[1, 2]
    base: Base | str | None
    base_sha256: str
    head_name: str | None
    scale: Annotated[float, Field(allow_inf_nan=False)]
    values: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Adapter:
    """What was learnt.

    Attributes:
        base: the model that it goes on, or what it was called; None is the built-in one.
        base_sha256: the fingerprint of the base.
        head_name: which of the family's heads it has; None for none.
        scale: what the products are multiplied by.
        values: more for `config.json`: labels, the problem, the class.
        tensors: `{name}.lower` and `{name}.upper` of each adapted layer; parts of the encoder that are new whole, by
            their names; the head's under `head.`.
    """

    base: Base | str | None
    base_sha256: str
    head_name: str | None
    scale: float
    values: Mapping[str, object]
    tensors: StoredTensors

    def on(self, encoder: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """The state of the base's encoder, in which the parts have been seen to fit, with the differences, float32."""
        state = {name: tensor.float() for name, tensor in encoder.items()}
        for name, tensor in self.tensors.items():
            part, _, kind = name.rpartition(".")
            if kind == "upper":
                product = tensor.float() @ self.tensors[f"{part}.lower"].float()
                state[f"{part}.weight"] = state[f"{part}.weight"] + self.scale * product
            elif name in self.whole:
                state[name] = tensor.float()
        return state

    def head(self) -> dict[str, Tensor]:
        """The head's state, float32."""
        return {name.removeprefix(HEAD): t.float() for name, t in self.tensors.items() if name.startswith(HEAD)}

    @property
    def whole(self) -> dict[str, TensorHeader]:
        """The parts of the encoder that are new whole."""
        headers = self.tensors.headers
        return {
            name: header
            for name, header in headers.items()
            if not name.endswith((".lower", ".upper")) and not name.startswith(HEAD)
        }

    def check(self, encoder: Mapping[str, tuple[int, ...]]) -> None:
        """Sees that its parts fit the base.

        Args:
            encoder: the shapes of the base's encoder's tensors.

        Raises:
            BadCheckpoint: a tensor fits none of the encoder's.
        """
        headers = self.tensors.headers
        for name, header in headers.items():
            part, _, kind = name.rpartition(".")
            if kind != "upper":
                continue
            lower, weight = headers.get(f"{part}.lower"), encoder.get(f"{part}.weight")
            if lower is None or weight is None or not _fits(weight, lower.shape, header.shape):
                raise BadCheckpoint(f"{ADAPTER_TENSORS}: {part} does not fit the base's {part}.weight")
        for name, header in self.whole.items():
            if encoder.get(name, header.shape) != header.shape:
                raise BadCheckpoint(f"{ADAPTER_TENSORS}: {name} has shape {header.shape}, another than the base's")


def _fits(weight: tuple[int, ...], lower: tuple[int, ...], upper: tuple[int, ...]) -> bool:
    """Whether a product of two matrices has the shape of a weight."""
    return len(lower) == len(upper) == 2 and lower[0] == upper[1] and weight == (upper[0], lower[1])


def read_adapter(folder: Path) -> Adapter | None:
    """The adapter in a folder; None where it holds none.

    Raises:
        BadCheckpoint: a file is damaged, or of a newer version.
    """
    path = folder / ADAPTER_DESCRIPTION
    if not path.is_file():
        return None
    values = read_values(path)
    version = values.get("schema_version")
    if isinstance(version, int) and version > SCHEMA_VERSION:
        raise BadCheckpoint(f"{path}: is of another version of bertkit", "Use the version that wrote it.")
    try:
        about = parse(AdapterDescription, values, str(path))
    except ConfigError as error:
        raise BadCheckpoint(error.what) from None
    tensors = open_safetensors(WeightFiles((folder / ADAPTER_TENSORS,)))
    for name, header in tensors.headers.items():
        if not header.is_floating:
            raise BadCheckpoint(
                f"{folder / ADAPTER_TENSORS}: tensor {name} is of {header.dtype}, not of floating point numbers"
            )
    return Adapter(about.base, about.base_sha256, about.head_name, about.scale, about.values, tensors)


def read_values(path: Path) -> dict[str, Any]:
    """The JSON object in a file.

    Raises:
        BadCheckpoint: there is none.
    """
    try:
        content = path.read_bytes()
        refuse_pointer(path, content)
        values = json.loads(content)
    except (OSError, ValueError, RecursionError) as error:
        raise BadCheckpoint(f"{path}: not JSON: {error}") from None
    if not isinstance(values, dict):
        raise BadCheckpoint(f"{path}: an object is expected, not {type(values).__name__}")
    return values
