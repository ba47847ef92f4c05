"""A folder that holds only what a model learnt on top of another: narrow matrices (LoRA) and a head.

```
adapter.json          the base model and its weights' hash, the rank, the scale, more for config.json
adapter.safetensors   layers.0.attention.qkv.lower …, pooler.…, head.…
```
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from safetensors.torch import load_file
from torch import Tensor

from bertkit.checkpoints.folders import atomic_folder
from bertkit.checkpoints.headers import read_header
from bertkit.checkpoints.tensors import write_tensors
from bertkit.errors import BadCheckpoint

DESCRIPTION, TENSORS = "adapter.json", "adapter.safetensors"
SCHEMA_VERSION = 1


@dataclass(frozen=True, slots=True)
class Adapter:
    """What was learnt.

    Attributes:
        base: the model that it goes on: a folder or a hub name; None is the embedded one.
        base_sha256: of the base's weights.
        head_name: which of the family's heads it has; None for none.
        scale: what the products are multiplied by.
        values: more for `config.json`: labels, the problem, the class.
        tensors: `{name}.lower` and `{name}.upper` of each adapted layer; parts of the encoder that are new whole, by
            their names; the head's under `head.`.
    """

    base: str | None
    base_sha256: str
    head_name: str | None
    scale: float
    values: Mapping[str, object]
    tensors: Mapping[str, Tensor]

    def on(self, encoder: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """The state of the base's encoder with the differences added, float32."""
        state = {name: tensor.float() for name, tensor in encoder.items()}
        for name, tensor in self.tensors.items():
            part, _, kind = name.rpartition(".")
            if kind == "upper":
                lower, upper = self.tensors[f"{part}.lower"].float(), tensor.float()
                state[f"{part}.weight"] = state[f"{part}.weight"] + self.scale * upper @ lower
            elif kind != "lower" and not name.startswith("head."):
                state[name] = tensor.float()
        return state

    def head(self) -> dict[str, Tensor]:
        """The head's state, float32."""
        prefix = "head."
        return {name.removeprefix(prefix): t.float() for name, t in self.tensors.items() if name.startswith(prefix)}


def write_adapter(adapter: Adapter, folder: Path, card: str) -> None:
    """Write the folder, whole or not at all; what was there is replaced.

    Raises:
        OutputError: it cannot be written.
    """
    about = {"schema_version": SCHEMA_VERSION, **asdict(adapter)}
    del about["tensors"]
    with atomic_folder(folder, replace=True) as made:
        (made / DESCRIPTION).write_text(json.dumps(about, indent=2) + "\n", encoding="utf-8")
        write_tensors(made / TENSORS, adapter.tensors)
        (made / "README.md").write_text(card, encoding="utf-8")


def read_adapter(folder: Path) -> Adapter | None:
    """The adapter in a folder; None where it holds none.

    Raises:
        BadCheckpoint: a file is damaged, or of a newer version.
    """
    path = folder / DESCRIPTION
    if not path.is_file():
        return None
    try:
        values: dict[str, Any] = json.loads(path.read_bytes())
        if values.pop("schema_version") != SCHEMA_VERSION:
            raise BadCheckpoint(f"{path}: is of another version of bertkit", "Use the version that wrote it.")
        read_header(folder / TENSORS)
        return Adapter(**values, tensors=load_file(folder / TENSORS))
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise BadCheckpoint(f"{path}: cannot be read ({type(error).__name__})") from None
